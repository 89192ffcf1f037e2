#include "fake_service.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <sys/stat.h>

using namespace loom;

TEST_CASE("a new token stands alone on stdout, and what it is for on stderr") {
    CliBench loom;
    CHECK(loom({"token", "create", "ci", "--scope", "operate", "--jobs", "web-*", "--jobs", "db-*", "--nodes", "@web", "--expires", "90d"}) == 0);
    CHECK(loom.out.str() == "loom_secret\n");
    CHECK(loom.err.str() == "This is token ci, for operate (jobs web-*, db-*; nodes @web), without an end. It is shown this once.\n");
    CHECK(loom.need == Need::write);
    CHECK(loom.script.token.expires == "90d");
    CHECK(loom.script.token.jobs == std::vector<std::string>{"web-*", "db-*"});
}

TEST_CASE("tokens are listed with their state, and revoked by name") {
    CliBench loom;
    TokenView ci;
    ci.name = "ci";
    ci.scope = "operate";
    ci.state = "live";
    ci.by = "user:anna";
    ci.jobs = {"web-*"};
    ci.expires = "2026-04-01T08:05:00Z";
    loom.script.tokens.items = {ci};
    CHECK(loom({"token"}) == 0);
    CHECK(holds(loom.out.str(), "TOKEN  SCOPE    STATE"));
    CHECK(holds(loom.out.str(), "jobs web-*"));
    CHECK(loom.need == Need::read);
    CHECK(loom({"token", "revoke", "ci"}) == 0);
    CHECK(holds(loom.err.str(), "ci is revoked"));
}

TEST_CASE("a command of this machine alone refuses a server, and a server refuses a configuration") {
    CliBench loom;
    CHECK(loom({"--server", "https://a", "check"}) == 2);
    CHECK(holds(loom.err.str(), "check works on this machine alone"));
    CHECK(loom({"--server", "https://a", "-c", "x.yaml", "jobs"}) == 2);
    CHECK(loom({"--server", "https://a", "--context", "b", "jobs"}) == 2);
    CliBench other;
    CHECK(other({"--server", "https://a", "jobs"}) == 0);
    CHECK(other.context.server == "https://a");
}

TEST_CASE("contexts are added, used, listed and forgotten") {
    tests::Folder folder;
    CliBench loom;
    loom.context.home = folder.path("");
    loom.context.contexts_file = folder.path(".loom/contexts.yaml");
    CHECK(loom({"context"}) == 0);
    CHECK(holds(loom.err.str(), "There are none"));
    CHECK(loom({"context", "add", "prod", "--server", "https://loom.example.org", "--token-file", "~/t", "--fingerprint", std::string(64, 'a')}) == 0);
    CHECK(loom({"context", "add", "lab", "--server", "http://127.0.0.1:80", "--token-command", "pass", "show"}) == 0);
    struct stat found {};
    REQUIRE(::stat(loom.context.contexts_file.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    loom.out.str("");
    CHECK(loom({"context", "list"}) == 0);
    CHECK(holds(loom.out.str(), "* prod"));
    CHECK(holds(loom.out.str(), "  lab"));
    CHECK(loom({"context", "use", "lba"}) == 5);
    CHECK(holds(loom.err.str(), "did you mean \"lab\""));
    CHECK(loom({"context", "use", "lab"}) == 0);
    CHECK(loom({"context", "remove", "lab"}) == 0);
    CHECK(loom({"context", "add", "x", "--server", "http://example.org"}) == 2);
    CHECK(loom({"context", "add", "local", "--server", "https://a"}) == 2);
    CHECK(loom({"context", "add", "x", "--server", "https://a", "--fingerprint", "12"}) == 2);
    CHECK(loom({"context", "add", "x", "--server", "https://a", "--key", "k"}) == 2);
    for (const char* flag : {"--token-file", "--ca-file"}) {
        CHECK(loom({"context", "add", "x", "--server", "https://a", flag, folder.path("missing")}) == 2);
        CHECK(holds(loom.err.str(), flag + (": " + folder.path("missing")) + ": No such file or directory"));
    }
    loom.out.str("");
    CHECK(loom({"-o", "json", "context", "list"}) == 0);
    CHECK(loom.out.str() == "{\"items\":[{\"name\":\"prod\",\"server\":\"https://loom.example.org\",\"current\":false,\"token\":\"" +
                                folder.path("t") + "\",\"trust\":\"" + std::string(64, 'a') + "\"}]}\n");
}
