#include "fuzz/ssh_targets.hpp"
#include "ssh/rig.hpp"
#include "ssh/ssh_config.hpp"
#include "ssh/ssh_config_files.hpp"
#include "ssh/ssh_config_words.hpp"

#include <boost/algorithm/string/join.hpp>
#include <cstdio>
#include <map>
#include <pwd.h>
#include <random>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

using namespace loom;
using ssh_test::TemporaryFolder;

namespace {

using Files = std::map<std::string, std::string>;

SshConfig parse(const std::string& text, const Files& files = {}) {
    const SshConfig::Include include = [&](const std::string& pattern) {
        std::vector<SshConfig::File> found;
        for (const auto& [path, content] : files)
            if (path == pattern || (pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1))))
                found.push_back({path, content});
        return found;
    };
    return SshConfig({{{"/h/.ssh/config", text}, "/h/.ssh"}}, "/h", include);
}

SshTarget target(std::string name) { return {std::move(name), "", "", "me"}; }

std::string shown(const SshSettings::Maybe& value) { return value ? boost::algorithm::join(value->words, "|") : "-"; }

std::string port_of(const std::string& text, const SshTarget& host, const Files& files = {}) {
    const auto found = parse(text, files).find(host);
    return found ? shown(found->port) : found.error().message;
}

std::string error_of(const std::string& text) {
    const auto found = parse(text).find(target("db1"));
    return found ? "" : found.error().message;
}

} // namespace

TEST_CASE("a line of ssh_config falls into words as OpenSSH has it") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"Port 22", "22"},          {"port=22", "22"},      {"PORT = 22", "22"},   {"  Port\t22  ", "22"},
        {"Port 22\r", "22"},        {"Port \"22\"", "22"},  {"Port '22'", "22"},   {"Port 22 # note", "22"},
        {"\"Port\" 22", "22"},      {"# Port 22", "-"},     {"", "-"},             {"Port =22", "22"},
    };
    for (const auto& [line, port] : rows) {
        CAPTURE(line);
        CHECK(port_of(line, target("db1")) == port);
    }
    CHECK(split_config_words(R"(a "b c" 'd e' f\ g "h\"i" j#k # l)") == std::vector<std::string>{"a", "b c", "d e", "f g", "h\"i", "j#k"});
    CHECK(!split_config_words("a \"b").has_value());
}

TEST_CASE("the first value wins, among the hosts that a line is for") {
    struct Row {
        std::string text, host, port;
    };
    const std::vector<Row> rows{
        {"Port 1\nHost *\nPort 2", "db1", "1"},
        {"Host web*\nPort 1\nHost *\nPort 2", "db1", "2"},
        {"Host db? web1\nPort 1", "db1", "1"},
        {"Host db? web1\nPort 1", "db10", "-"},
        {"Host * !db1\nPort 1", "db1", "-"},
        {"Host * !db1\nPort 1", "db2", "1"},
        {"Host !db1\nPort 1", "db2", "-"}, // a negation alone brings nobody in
        {"Host DB1\nPort 1", "db1", "-"},
        {"Match host db*\nPort 1", "db1", "1"},
        {"Match host web*,db1\nPort 1", "DB1", "1"},
        {"Match !host db*\nPort 1", "db1", "-"},
        {"HostName real\nMatch host real\nPort 1", "db1", "1"},
        {"HostName %h.net\nMatch host db1.net originalhost db1\nPort 1", "db1", "1"},
        {"HostName real\nMatch originalhost real\nPort 1", "db1", "-"},
        {"Match user me\nPort 1", "db1", "1"},
        {"User root\nMatch user me\nPort 1", "db1", "-"},
        {"User root\nMatch user root localuser me\nPort 1", "db1", "1"},
        {"Match all\nPort 1", "db1", "1"},
        {"Match !all\nPort 1", "db1", "-"},
        {"Match exec true\nPort 1", "db1", "-"},
        {"Match host db1 exec \"test x = y\"\nPort 1", "db1", "-"},
        {"Match final host db1\nPort 1\nHost *\nPort 2", "db1", "2"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text, row.host);
        CHECK(port_of(row.text, target(row.host)) == row.port);
    }
}

TEST_CASE("what the node says itself counts in Host and Match") {
    SshTarget node{"db1", "10.0.0.7", "deploy", "me"};
    CHECK(port_of("Host 10.0.*\nPort 1", node) == "1");
    CHECK(port_of("Host db1\nPort 1", node) == "1");
    CHECK(port_of("Host * !10.0.0.7\nPort 1", node) == "-");
    CHECK(port_of("HostName x\nMatch host 10.0.0.7 user deploy\nPort 1", node) == "1");
    CHECK(port_of("Match originalhost 10.0.0.7\nPort 1", node) == "-");
}

TEST_CASE("an included file belongs to the block that includes it") {
    const Files files{{"/h/.ssh/d/a", "Port 1\nHost db2\nPort 2\n"}, {"/h/.ssh/d/b", "Port 3"}, {"/x/c", "Include d/b"}};
    CHECK(port_of("Include d/*", target("db1"), files) == "1");
    CHECK(port_of("Host db2\nInclude d/a", target("db1"), files) == "-");
    CHECK(port_of("Host db1 db2\nInclude d/a\nUser x\nPort 9", target("db2"), files) == "1");
    CHECK(port_of("Host db1\nInclude d/none\nPort 9", target("db1"), files) == "9");
    CHECK(port_of("Host db1\nInclude d/a\nPort 9\nHost db2\nPort 7", target("db2"), files) == "7");
    CHECK(port_of("Include /x/c ~/.ssh/d/a", target("db1"), files) == "3");
    // What follows an include is the outer block's again, whatever the included file asked for at its end.
    CHECK(parse("Host db1\nInclude d/a\nUser x", files).find(target("db1"))->user->text() == "x");
    CHECK(parse("Host db1\nInclude d/a\nUser x", files).find(target("db1"))->user->place == "~/.ssh/config:3");
    const Files circle{{"/h/.ssh/me", "Port 5\nInclude me"}};
    CHECK(port_of("Include me", target("db1"), circle).find("include each other") != std::string::npos);
    const Files bomb{{"/h/.ssh/me", "Include me me"}};
    CHECK(parse("Include me", bomb).find(target("db1")).has_error());
}

TEST_CASE("several keys are taken in order, each once") {
    const auto found = parse("Host db1\nIdentityFile a\nIdentityFile b\nHost *\nIdentityFile a\nIdentityFile c\n"
                             "CertificateFile x\nUserKnownHostsFile k1 \"k 2\"\nUserKnownHostsFile k3")
                           .find(target("db1")).value();
    std::string all;
    for (const auto& value : found.identity_files) all += value.text() + "@" + value.place + " ";
    CHECK(all == "a@~/.ssh/config:2 b@~/.ssh/config:3 c@~/.ssh/config:6 ");
    CHECK(found.certificate_files.size() == 1);
    CHECK(shown(found.user_known_hosts) == "k1|k 2");
}

TEST_CASE("of ProxyJump and ProxyCommand the first one counts") {
    const auto jump = parse("ProxyJump a,b\nProxyCommand nc %h %p").find(target("db1")).value();
    CHECK(shown(jump.proxy_jump) == "a,b");
    CHECK(!jump.proxy_command);
    const auto command = parse("ProxyCommand nc \"%h\" %p\nProxyJump a").find(target("db1")).value();
    CHECK(!command.proxy_jump);
    CHECK(shown(command.proxy_command) == "nc \"%h\" %p");
}

TEST_CASE("a line that ssh would stop at refuses the hosts that it is for") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"Port", "~/.ssh/config:1: Port: a value is missing"},
        {"Port x", "~/.ssh/config:1: Port: expected a number from 1 to 65535, not \"x\""},
        {"\nPort 22 23", "~/.ssh/config:2: Port: \"23\" is one word too many"},
        {"User \"a", "~/.ssh/config:1: User: a quote is not closed"},
        {"StrictHostKeyChecking maybe", "~/.ssh/config:1: StrictHostKeyChecking: expected one of yes, no, ask, accept-new, off, "
                                        "true, false, not \"maybe\""},
        {"ConnectTimeout soon", "~/.ssh/config:1: ConnectTimeout: expected a time such as 10 or 1m30s, not \"soon\""},
        {"UserKnownHostsFile none x", "~/.ssh/config:1: UserKnownHostsFile: none stands alone"},
        {"Host \"x", "~/.ssh/config:1: Host: a quote is not closed"},
        {"Match host", "~/.ssh/config:1: Match host: a pattern is missing"},
        {"Match all user x", "~/.ssh/config:1: Match: all stands alone"},
        {"Host web*\nPort x", ""}, // not for this host
    };
    for (const auto& [text, error] : rows) {
        CAPTURE(text);
        CHECK(error_of(text) == error);
    }
    CHECK(error_of("ProxyJump a:b:c@/").starts_with("~/.ssh/config:1: ProxyJump: \"a:b:c@/\" is no jump host"));
}

TEST_CASE("a keyword that cannot be obeyed is told once, with its place") {
    const auto config = parse("BindAddress 10.0.0.1\nHost a\nBindAddress 10.0.0.2\nForwardX11 yes\nCompression yes\nPorrt 3\n"
                              "IgnoreUnknown UseKey*\nUseKeychain yes\nMatch exec x\nGSSAPIAuthentication yes\n"
                              "RevokedHostKeys none\nAddressFamily inet6\n");
    std::string all;
    for (const auto& warning : config.warnings()) all += warning.place + ": " + warning.message + "\n";
    CHECK(all == "~/.ssh/config:1: BindAddress is passed over: Loom does not know it\n"
                 "~/.ssh/config:6: unknown keyword \"Porrt\" (did you mean \"port\"?)\n"
                 "~/.ssh/config:9: Match exec is not run: these lines apply to no host\n"
                 "~/.ssh/config:12: AddressFamily is passed over: Loom does not know it\n");
}

TEST_CASE("jump hosts are read with users, ports and IPv6 addresses") {
    const auto hops = read_jump("anna@b1:2222, b2,root@[2001:db8::1]:22,2001:db8::2,ssh://x@b3:33").value();
    CHECK(hops == std::vector<JumpHost>{{"anna", "b1", 2222}, {"", "b2", 0}, {"root", "2001:db8::1", 22}, {"", "2001:db8::2", 0},
                                        {"x", "b3", 33}});
    CHECK(read_jump("none").value().empty());
    for (const char* text : {"", "a,", "@a", "a:", "a:0", "a:70000", "[::1", "[::1]x", "-oProxyCommand=x", "a b", "a/b"}) {
        CAPTURE(text);
        CHECK(read_jump(text).has_error());
    }
    CHECK(read_jump("a,a,a,a,a,a,a,a,a").has_error());
}

TEST_CASE("times and tokens of ssh_config are read as OpenSSH has them") {
    CHECK(**ssh_time("90") == std::chrono::seconds(90));
    CHECK(**ssh_time("1h30m5") == std::chrono::seconds(5405));
    CHECK(!ssh_time("none")->has_value());
    for (const char* text : {"", "x", "1y", "-1", "99999999999", "1000000w"}) CHECK(!ssh_time(text).has_value());
    CHECK(expand_tokens("%h-%%-%r", {{'h', "db1"}, {'r', "%h"}}).value() == "db1-%-%h");
    CHECK(expand_tokens("%C", {}).has_error());
    CHECK(expand_tokens("x%", {}).has_error());
    CHECK(expand_variables("${A}/x$A", {{"A", "${B}"}}).value() == "${B}/x$A");
    CHECK(expand_variables("${B}", {}).has_error());
}

TEST_CASE("the file is read anew when it, or what it includes, has changed") {
    const TemporaryFolder folder;
    SshConfigPaths paths;
    paths.home = folder.path("");
    paths.user = folder.write("config", "Include " + folder.path("d_*") + "\n");
    SshConfigFiles files(paths);
    const auto port = [&] { return shown(files.current()->find(target("db1")).value().port); };
    CHECK(port() == "-");
    CHECK(files.current() == files.current());
    folder.write("d_1", "Port 1\n");
    CHECK(port() == "1");
    folder.write("d_1", "Port 23\n");
    CHECK(port() == "23");
    std::filesystem::remove(folder.path("d_1"));
    CHECK(port() == "-");
}

TEST_CASE("a user's file that others can write is not trusted, and a named one must be there") {
    const TemporaryFolder folder;
    SshConfigPaths paths;
    paths.user = folder.write("config", "Port 1\n", 0666);
    const auto refused = SshConfigFiles(paths).current()->find(target("db1"));
    REQUIRE(refused.has_error());
    CHECK(refused.error().message.find("run: chmod 600 " + paths.user) != std::string::npos);
    paths.user_required = true; // as with ssh -F
    CHECK(SshConfigFiles(paths).current()->find(target("db1")).has_value());
    paths.user = folder.path("missing");
    CHECK(SshConfigFiles(paths).current()->find(target("db1")).has_error());
    paths.user_required = false;
    CHECK(SshConfigFiles(paths).current()->find(target("db1")).has_value());
}

namespace {

/// What the real client makes of a file: keyword → values.
std::map<std::string, std::vector<std::string>> ask_ssh(const std::string& file, const std::string& host) {
    std::map<std::string, std::vector<std::string>> said;
    const auto command = fmt::format("ssh -G -F {} {} </dev/null 2>&1", file, host);
    auto* pipe = ::popen(command.c_str(), "r");
    if (!pipe) return said;
    std::string text;
    char chunk[4096];
    while (const auto size = std::fread(chunk, 1, sizeof chunk, pipe)) text.append(chunk, size);
    if (::pclose(pipe) != 0) return said;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto space = line.find(' ');
        if (space != line.npos) said[line.substr(0, space)].push_back(line.substr(space + 1));
    }
    return said;
}

/// A file of a few blocks whose lines are drawn at random.
std::string random_config(std::mt19937& random, const std::string& included) {
    const auto pick = [&](const std::vector<std::string>& words) { return words[random() % words.size()]; };
    const auto line = [&] {
        return pick({"HostName %h.example", "HostName 10.0.0.7", "Port 2222", "Port=" + std::to_string(1 + random() % 65535),
                     "User deploy", "User \"anna\"", "IdentityFile ~/.ssh/a", "IdentityFile ~/.ssh/b", "IdentityFile /k/%h c",
                     "IdentityFile \"/k/d e\"", "IdentitiesOnly yes", "IdentitiesOnly no", "IdentityAgent none",
                     "IdentityAgent /run/agent", "CertificateFile ~/.ssh/c-cert.pub", "ProxyJump j1", "ProxyJump u@j1:22,j2",
                     "ProxyCommand nc %h %p # x", "UserKnownHostsFile /k/1 \"/k/2 3\"", "UserKnownHostsFile none",
                     "GlobalKnownHostsFile /g/1", "HostKeyAlias alias", "StrictHostKeyChecking yes", "StrictHostKeyChecking off",
                     "StrictHostKeyChecking = accept-new", "ConnectTimeout 1m5", "ConnectTimeout 7", "ServerAliveInterval 15",
                     "ForwardX11 no", "# a note", "", "Include " + included});
    };
    const auto block = [&] {
        return pick({"Host *", "Host db*", "Host web* db1", "Host * !db1", "Host db? !web1", "host=web1", "Host \"db1\" db2",
                     "Match host db*", "Match host=10.0.0.7", "Match originalhost web1,db2", "Match user deploy",
                     "Match !user deploy host *", "Match all", "Match !originalhost db1", "Match host *.example user *"});
    };
    std::string text;
    for (std::size_t blocks = 1 + random() % 6; blocks > 0; --blocks) {
        for (std::size_t lines = random() % 5; lines > 0; --lines) {
            auto next = line();
            if (next == "IdentityFile /k/%h c") next = "IdentityFile /k/%h"; // two words: the client stops
            text += pick({"", "  ", "\t"}) + next + pick({"\n", " \n", "\r\n"});
        }
        text += block() + "\n";
    }
    return text + line() + "\nPort 99\n";
}

} // namespace

TEST_CASE("random files mean to Loom what they mean to OpenSSH") {
    const TemporaryFolder folder;
    std::mt19937 random(20);
    const auto* entry = ::getpwuid(::geteuid());
    const std::string user = entry ? entry->pw_name : "root";
    for (int i = 0; i < 40; ++i) {
        const auto included = folder.write("included", random_config(random, folder.path("nothing")));
        SshConfigPaths paths;
        paths.home = entry ? entry->pw_dir : "/root";
        paths.user = folder.write("config", random_config(random, included));
        paths.user_required = true;
        const std::string host = std::vector<std::string>{"db1", "db2", "web1", "other"}[random() % 4];
        CAPTURE(ssh_test::read_text(paths.user), ssh_test::read_text(included), host);
        auto ssh = ask_ssh(paths.user, host);
        REQUIRE(!ssh.empty());
        const auto found = SshConfigFiles(paths).current()->find({host, "", "", user}).value();
        const auto expect = [&](const char* keyword, const SshSettings::Maybe& value, const std::string& otherwise) {
            CAPTURE(keyword);
            const auto said = ssh.contains(keyword) ? ssh[keyword].front() : "";
            CHECK((value ? boost::algorithm::join(value->words, " ") : otherwise) == said);
        };
        expect("port", found.port, "22");
        expect("user", found.user, user);
        expect("proxyjump", found.proxy_jump, "");
        expect("proxycommand", found.proxy_command, "");
        expect("hostkeyalias", found.host_key_alias, "");
        expect("identityagent", found.identity_agent, "");
        expect("identitiesonly", found.identities_only, "no");
        if (found.user_known_hosts) expect("userknownhostsfile", found.user_known_hosts, "");
        if (found.global_known_hosts) expect("globalknownhostsfile", found.global_known_hosts, "");
        CHECK(expand_tokens(found.host_name ? found.host_name->text() : host, {{'h', host}}).value() == ssh["hostname"].front());
        const auto seconds = [](const SshSettings::Maybe& value, const char* otherwise) {
            return value ? std::to_string((**ssh_time(value->text())).count()) : std::string(otherwise);
        };
        CHECK(seconds(found.connect_timeout, "none") == ssh["connecttimeout"].front());
        CHECK(seconds(found.server_alive_interval, "0") == ssh["serveraliveinterval"].front());
        const std::map<std::string, std::string> strict{{"yes", "true"}, {"off", "false"}, {"accept-new", "accept-new"}};
        const auto& checking = found.strict_host_key_checking;
        CHECK((checking ? strict.at(checking->text()) : "ask") == ssh["stricthostkeychecking"].front());
        std::vector<std::string> identities, certificates;
        for (const auto& value : found.identity_files) identities.push_back(value.text());
        for (const auto& value : found.certificate_files) certificates.push_back(value.text());
        if (!identities.empty()) CHECK(identities == ssh["identityfile"]);
        CHECK(certificates == ssh["certificatefile"]);
    }
}

TEST_CASE("a fleet of ten thousand is found in a file of ten thousand blocks") {
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += fmt::format("Host n{}\n  Port {}\n", i, 1000 + i);
    text += "Host *\n  User fleet\n";
    const auto config = parse(text);
    for (int i = 0; i < 10'000; ++i) {
        const auto found = config.find(target(fmt::format("n{}", i))).value();
        if (found.port->text() != std::to_string(1000 + i) || found.user->text() != "fleet") FAIL(i);
    }
}

TEST_CASE("the corpus of the ssh_config fuzzer passes") {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(LOOM_SOURCE_DIR "/tests/fuzz/corpus/ssh_config")) {
        fuzz::ssh_config(ssh_test::read_text(entry.path().string()));
        ++count;
    }
    CHECK(count > 0);
}
