#include "app/contexts.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <sys/stat.h>

using namespace loom;

namespace {

/// A variable of the environment, as it was before when it goes.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~Variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

std::string server_of(std::string_view text) {
    const auto server = parse_server(text);
    return server ? server->shown : "! " + server.error().message;
}

} // namespace

TEST_CASE("a server is an address whose token travels unseen") {
    CHECK(server_of("https://loom.example.org:443") == "https://loom.example.org:443");
    CHECK(server_of("https://loom.example.org/") == "https://loom.example.org:8843");
    CHECK(server_of("https://[2001:db8::1]:1") == "https://[2001:db8::1]:1");
    CHECK(server_of("http://127.0.0.1:80") == "http://127.0.0.1:80");
    CHECK(server_of("http://[::1]") == "http://[::1]:8843");
    CHECK(server_of("http://localhost") == "http://localhost:8843");
    CHECK(server_of("unix:/run/loom.sock") == "/run/loom.sock");
    CHECK(server_of("unix:///run/loom.sock") == "/run/loom.sock");
    CHECK(server_of("http://10.0.0.1") == "! http://10.0.0.1: over http:// the token would be read on its way; use https://");
    for (const char* odd : {"", "loom", "loom:8843", "ftp://a", "https://", "https://a/b", "https://a?b", "https://u:p@a", "https://a:0", "unix:loom.sock", "https://a b"})
        CHECK(server_of(odd) == std::string("! expected https://HOST:PORT, http://127.0.0.1:PORT or unix:PATH, not \"") + odd + "\"");
}

TEST_CASE("what is wrong in contexts.yaml is told with its place") {
    const auto error = [](std::string_view text) {
        const auto read = parse_contexts("/h/contexts.yaml", text, "/h");
        return read ? std::string() : read.error().message;
    };
    CHECK(error("contexts:\n  prod: {server: https://a, token_fil: x}\n") ==
          "/h/contexts.yaml:2:29: contexts: prod: unknown key \"token_fil\" (did you mean \"token_file\"?)");
    CHECK(error("contexts: {prod: {}}\n") == "/h/contexts.yaml:1:12: contexts: prod: missing key \"server\"");
    CHECK(error("contexts: {prod: {server: ftp://a}}\n").starts_with("/h/contexts.yaml:1:27: contexts: prod: server: expected https://"));
    CHECK(error("contexts: {prod: {server: https://a, fingerprint: x}}\n").ends_with("fingerprint: expected sha256: and 64 hexadecimal digits"));
    CHECK(error("current: prdo\ncontexts: {prod: {server: https://a}}\n") == "/h/contexts.yaml:1:10: there is no context \"prdo\" (did you mean \"prod\"?)");
    CHECK(error("[]\n") == "/h/contexts.yaml:1:1: expected a map, not a list");
    CHECK(error("").empty());
}

TEST_CASE("contexts are written as they are read") {
    tests::Folder folder;
    Contexts contexts;
    contexts.current = "a \"b\": c";
    auto& one = contexts.all[contexts.current];
    one.server = "https://loom.example.org:8843";
    one.token_command = {"pass", "show it"};
    one.fingerprint = std::string(64, 'a');
    contexts.all["lab"].server = "http://127.0.0.1:1";
    contexts.all["lab"].token_file = "/tokens/# lab";
    const auto path = folder.path("deep/contexts.yaml");
    REQUIRE(write_contexts(path, contexts).has_value());
    const auto read = read_contexts(path, "/h").value();
    CHECK(read.current == contexts.current);
    CHECK(read.all.at(contexts.current).token_command == one.token_command);
    CHECK(read.all.at("lab").token_file == "/tokens/# lab");
    CHECK(read_contexts(folder.path("none.yaml"), "/h").value().all.empty());
}

TEST_CASE("the first that is said names the daemon") {
    tests::Folder folder;
    const auto path = folder.path("contexts.yaml");
    folder.write("prod.token", "loom_prod\n");
    ::chmod(folder.path("prod.token").c_str(), 0600);
    folder.write("contexts.yaml", "current: prod\ncontexts:\n  prod: {server: 'https://prod', token_file: prod.token}\n  lab: {server: 'http://127.0.0.1:1'}\n");
    const auto chosen = [&](ServerChoice choice) {
        const auto server = choose_server(choice, path, folder.path(""));
        if (!server) return "! " + server.error().message;
        if (!*server) return std::string("here");
        return (*server)->shown + " " + (*server)->token.reveal();
    };
    CHECK(chosen({}) == "https://prod:8843 loom_prod");
    CHECK(chosen({"", "lab", ""}) == "http://127.0.0.1:1 ");
    CHECK(chosen({"", "local", ""}) == "here");
    CHECK(chosen({"", "", "loom.yaml"}) == "here");
    CHECK(chosen({"", "prd", ""}) == "! there is no context \"prd\" (did you mean \"prod\"?)");
    {
        const Variable server("LOOM_SERVER", "http://127.0.0.1:2"), token("LOOM_TOKEN", "loom_env");
        CHECK(chosen({}) == "http://127.0.0.1:2 loom_env");
        CHECK(chosen({"http://127.0.0.1:3", "", ""}) == "http://127.0.0.1:3 loom_env");
        CHECK(chosen({"", "", "loom.yaml"}) == "here");
        const Variable pin("LOOM_FINGERPRINT", "12");
        CHECK(chosen({"https://a", "", ""}) == "! LOOM_FINGERPRINT: expected sha256: and 64 hexadecimal digits");
    }
    {
        const Variable token("LOOM_TOKEN", "two words");
        CHECK(chosen({}) == "! the token: expected one word of plain characters");
    }
    ::chmod(folder.path("prod.token").c_str(), 0644);
    CHECK(chosen({}).find("can be read by others: chmod 600") != std::string::npos);
}
