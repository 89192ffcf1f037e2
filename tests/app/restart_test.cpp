#include "app/restart.hpp"
#include "support/catch.hpp"

using namespace loom;

TEST_CASE("a reload says which of its keys wait for the next start") {
    Settings started;
    started.file = "/c/loom.yaml";
    auto fresh = started;
    fresh.groups["web"] = "web1"; // counts at once
    CHECK(keys_of_next_start(started, fresh).empty());
    fresh.max_workers = 11;
    fresh.state_dir = "/s";
    fresh.socket_group = "ops";
    fresh.host_keys = HostKeys::strict;
    fresh.known_hosts = {{"/k"}};
    fresh.ssh_config = "none";
    fresh.keep_sessions = Milliseconds(0);
    fresh.http.listen.emplace_back();
    fresh.http.limits.per_token = 1;
    CHECK(keys_of_next_start(started, fresh) == std::vector<std::string>{"max_workers", "state_dir", "socket_group", "ssh.host_keys",
                                                                         "ssh.known_hosts", "ssh.config", "ssh.keep", "listen", "http"});
    auto catalog = std::make_shared<Catalog>();
    catalog->settings = started;
    catalog->settings.socket_group = "ops";
    const auto warned = with_restart_warnings(started, catalog);
    REQUIRE(warned->problems.size() == 1);
    CHECK(warned->problems[0].place == "/c/loom.yaml");
    CHECK(warned->problems[0].message == "socket_group counts from the next start of the daemon");
}
