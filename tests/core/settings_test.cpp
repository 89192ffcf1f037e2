#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

Result<Settings> read(std::string text) { return read_settings({"/c/loom.yaml", std::move(text)}, "/home/anna", "/state"); }

std::string error_of(std::string text) {
    const auto settings = read(std::move(text));
    if (settings) return "";
    CHECK(settings.error().code == Errc::config);
    return settings.error().message;
}

} // namespace

TEST_CASE("settings have defaults") {
    for (const std::string text : {"", "# nothing\n", "---\n...\n", "nodesfile:\n"}) {
        const auto settings = read(text).value();
        CHECK(settings.file == "/c/loom.yaml");
        CHECK(settings.nodes_file.empty());
        CHECK(settings.max_workers == 10);
        CHECK(settings.state_dir == "/state");
        CHECK(settings.host_keys == HostKeys::accept_new);
        CHECK(!settings.known_hosts);
        CHECK(settings.ssh_config.empty());
    }
}

TEST_CASE("settings are read with their paths made absolute") {
    const auto settings = read("nodesfile: nodes.yaml\njobspath: ./jobs/\ndatafile: ~/data.yaml\nstate_dir: ../state\n"
                               "min_workers: 2\nmax_workers: 4\nsocket_group: ops\n"
                               "ssh: {host_keys: strict, known_hosts: [~/kh, kh2], config: ~/fleet_config}\n"
                               "groups: {web: 'web[1-3]', all: [db1, '@web']}\n").value();
    CHECK(settings.nodes_file == "/c/nodes.yaml");
    CHECK(settings.jobs_path == "/c/jobs");
    CHECK(settings.data_file == "/home/anna/data.yaml");
    CHECK(settings.state_dir == "/state");
    CHECK(settings.max_workers == 4);
    CHECK(settings.socket_group == "ops");
    CHECK(settings.host_keys == HostKeys::strict);
    CHECK(settings.known_hosts == std::vector<std::string>{"/home/anna/kh", "/c/kh2"});
    CHECK(settings.ssh_config == "/home/anna/fleet_config");
    CHECK(settings.groups.at("web") == "web[1-3]");
    CHECK(settings.groups.at("all") == "(db1),(@web)");
}

TEST_CASE("the addresses to listen on are read, with the files of their TLS") {
    const auto one = read("listen: 127.0.0.1:8843\n").value().http;
    REQUIRE(one.listen.size() == 1);
    CHECK(to_string(one.listen[0]) == "127.0.0.1:8843");
    CHECK(one.listen[0].place == "/c/loom.yaml:1:9");
    const auto http = read("listen:\n- '[::1]:8843'\n- {address: 0.0.0.0:443, tls: {certificate: tls/a.crt, key: ~/a.key, client_ca: /ca.crt}}\n"
                           "- {address: '[2001:db8::1]:80', behind_proxy: true}\n"
                           "http: {allowed_hosts: [loom.example.org], per_token: 9, idle_time: 5s}\n").value().http;
    REQUIRE(http.listen.size() == 3);
    CHECK(to_string(http.listen[0]) == "[::1]:8843");
    CHECK(http.listen[1].tls.certificate == "/c/tls/a.crt");
    CHECK(http.listen[1].tls.key == "/home/anna/a.key");
    CHECK(http.listen[1].tls.client_ca == "/ca.crt");
    CHECK(http.listen[2].behind_proxy);
    CHECK(http.allowed_hosts == std::vector<std::string>{"loom.example.org"});
    CHECK(http.limits.per_token == 9);
    CHECK(http.limits.idle == std::chrono::seconds(5));
    CHECK(http.limits.connections == 8192);
    CHECK(is_loopback("127.255.0.1"));
    CHECK(!is_loopback("128.0.0.1"));
    CHECK(!is_loopback("::"));
}

TEST_CASE("what is wrong in loom.yaml is told with its place") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"nodefile: x\n", "1:1: unknown key \"nodefile\" (did you mean \"nodesfile\"?)"},
        {"jobspath: a\njobspath: b\n", "2:1: duplicate key \"jobspath\", first on line 1"},
        {"nodesfile: [a]\n", "1:12: nodesfile: expected text, not a list"},
        {"max_workers: 0\n", "1:14: max_workers: expected a number from 1 to 10000, not \"0\""},
        {"min_workers: some\n", "1:14: min_workers: expected a number from 0 to 10000, not \"some\""},
        {"ssh: {host_keys: strickt}\n",
         "1:18: ssh: host_keys: expected one of accept-new, strict, not \"strickt\" (did you mean \"strict\"?)"},
        {"ssh: {port: 22}\n", "1:7: ssh: unknown key \"port\""},
        {"groups: {'a b': x}\n", "1:10: groups: \"a b\" cannot name a group: use letters, digits, '.', '_' and '-'"},
        {"listen: 0.0.0.0:80\n", "1:9: listen: 0.0.0.0:80 is reached from other hosts: it needs tls: {certificate: FILE, key: FILE}, or "
                                  "behind_proxy: true where a proxy speaks TLS"},
        {"listen: [127.0.0.1:80, '[::]:80']\n", "1:24: listen: [::]:80 is reached from other hosts: it needs tls: {certificate: FILE, key: FILE}, "
                                                "or behind_proxy: true where a proxy speaks TLS"},
        {"listen: [127.0.0.1:80, 127.0.0.1:80]\n", "1:24: listen: 127.0.0.1:80 is listed twice"},
        {"listen: localhost:80\n",
         "1:9: listen: expected ADDRESS:PORT in numbers, such as 127.0.0.1:8843 or [::1]:8843, not \"localhost:80\""},
        {"listen: '::1:80'\n", "1:9: listen: expected ADDRESS:PORT in numbers, such as 127.0.0.1:8843 or [::1]:8843, not \"::1:80\""},
        {"listen: 127.0.0.1:70000\n",
         "1:9: listen: expected ADDRESS:PORT in numbers, such as 127.0.0.1:8843 or [::1]:8843, not \"127.0.0.1:70000\""},
        {"listen: [{address: 127.0.0.1:80, tls: {certificate: a.crt}}]\n", "1:39: listen: tls: missing key \"key\""},
        {"listen: {tls: {certificate: a, key: b}}\n", "1:9: listen: missing key \"address\""},
        {"listen: {adress: 127.0.0.1:80}\n", "1:10: listen: unknown key \"adress\" (did you mean \"address\"?)"},
        {"http: {idle_time: 2h}\n", "1:19: http: idle_time: expected a duration from 1s to 1h"},
        {"http: {connections: 0}\n", "1:21: http: connections: expected a number from 1 to 1000000, not \"0\""},
        {"retention: 3d\n", "1:12: retention: expected a map, not text"},
        {"retention: {runs: 0}\n", "1:19: retention: runs: expected a number from 1 to 1000000000, not \"0\""},
        {"retention: {bytes: 10GB5}\n",
         "1:20: retention: bytes: \"10GB5\" is no size; expected e.g. 10GiB, 500MiB, 64KiB or a number of bytes"},
        {"log: {levels: {shs: debug}}\n", "1:16: log: levels: unknown key \"shs\" (did you mean \"ssh\"?)"},
        {"log: {levels: {ssh: loud}}\n",
         "1:21: log: levels: ssh: expected one of debug, info, warning, error, off, not \"loud\""},
        {"shutdown: {drain: soon}\n",
         "1:19: shutdown: drain: \"soon\" is not a duration; expected e.g. 250ms, 90s, 5m, 1h30m, 2d"},
        {"defaults: {timeout: {connect: x}}\n",
         "1:31: defaults: timeout: connect: \"x\" is not a duration; expected e.g. 250ms, 90s, 5m, 1h30m, 2d"},
        {"starts_per_second: many\n",
         "1:20: starts_per_second: expected a number from 1 to 1000000, not \"many\""},
        {"- a\n", "1:1: expected a map, not a list"},
        {"a\n", "1:1: expected a map, not text"},
    };
    for (const auto& [text, message] : rows) {
        CAPTURE(text);
        CHECK(error_of(text) == "/c/loom.yaml:" + message);
    }
    CHECK(error_of("a: 1\nb: 2\n") == "/c/loom.yaml:1:1: unknown key \"a\"\n/c/loom.yaml:2:1: unknown key \"b\"");
}

TEST_CASE("defaults hold for each job until it says otherwise") {
    auto texts = catalog_texts("jobs:\n"
                               "  a: {}\n"
                               "  b: {task: t, timeout: {idle: 1m}, schedule: '@hourly', targets: db1, log: x.log}\n");
    texts.settings.text = "defaults:\n  command: uptime\n  targets: web1\n  timeout: {connect: 7s}\n"
                          "  schedule: {cron: '@daily', tz: UTC}\n  log: all.log\n";
    const auto catalog = build_catalog(texts).value();
    CHECK(problem_lines(*catalog).empty());
    const auto& a = *catalog->find_job("a");
    CHECK(a.task->name == "fabric.api.run");
    CHECK(a.targets->nodes == std::vector<std::string>{"web1"});
    CHECK(a.schedule->text == "@daily");
    CHECK(a.policy->log_file.path == "/c/all.log");
    const auto& b = *catalog->find_job("b");
    CHECK(b.task->name == "t");
    CHECK(b.task->args.empty());
    CHECK(b.policy->timeout.connect == std::chrono::seconds(7));
    CHECK(b.policy->timeout.idle == std::chrono::minutes(1));
    CHECK(b.schedule->text == "@hourly");
    CHECK(b.schedule->zone->name() == "UTC");
    CHECK(b.policy->log_file.path == "/c/jobs/x.log");
}
