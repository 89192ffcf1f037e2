// ssh_config against real servers: what the parser and the plan say is what is dialled.
#include "ssh/rig.hpp"
#include "ssh/trust.hpp"

#include <csignal>
#include <spdlog/fmt/fmt.h>

using namespace loom;
using namespace loom::ssh_test;

namespace {

/// A node of which only the name is known.
Node bare(const std::string& name) {
    Node node;
    node.name = node.address = name;
    return node;
}

std::string host_block(const std::string& more = "") {
    const auto& nodes = test_nodes();
    return fmt::format("Host db1\n HostName {}\n Port {}\n IdentityFile {}\n UserKnownHostsFile none\n GlobalKnownHostsFile none\n{}",
                       nodes.addresses[0], nodes.port, nodes.identity, more);
}

const std::string other_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

Result<HostKeyReport> trust(Rig& rig, const Node& node, const TrustWish& wish = {}) {
    const auto reaches = rig.connector();
    Result<HostKeyReport> report = Error{};
    rig.run([&]() -> awaitable<void> { report = co_await reaches->trust(node, Timeouts(), wish); });
    return report;
}

} // namespace

TEST_CASE("a node is reached by what ssh_config alone says of it") {
    Rig rig;
    rig.ssh_config = "Host db1\n IdentityFile /no/such/key\n" + host_block();
    CHECK(rig.connect(bare("db1")).remote);
}

TEST_CASE("the alias is looked up and recorded in place of the address") {
    Rig rig;
    rig.ssh_config = host_block(" HostKeyAlias fleet\n");
    REQUIRE(rig.connect(bare("db1")).remote);
    CHECK(read_text(rig.folder.path("own_known_hosts")) == "fleet " + test_nodes().host_key + "\n");
    rig.folder.write("own_known_hosts", "fleet " + other_key);
    const auto unreached = rig.connect(bare("db1")).unreached;
    CHECK(unreached.cause == Cause::host_key);
    CHECK(unreached.message.find("changed") != std::string::npos);
}

TEST_CASE("StrictHostKeyChecking yes accepts listed keys only, and no still refuses a changed one") {
    Rig rig;
    rig.ssh_config = host_block(" StrictHostKeyChecking yes\n");
    CHECK(rig.connect(bare("db1")).unreached.cause == Cause::host_key);
    rig.ssh_config = "StrictHostKeyChecking no\n" + host_block();
    rig.folder.write("own_known_hosts", fmt::format("[{}]:{} {}", test_nodes().addresses[0], test_nodes().port, other_key));
    CHECK(rig.connect(bare("db1")).unreached.cause == Cause::host_key);
}

TEST_CASE("a server that says nothing for three intervals of ServerAliveInterval is dead") {
    Rig rig;
    rig.ssh_config = host_block(" ServerAliveInterval 1\n");
    const Signpost signpost(rig.folder);
    std::vector<long> processes;
    auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        if (!processes.empty()) ::kill(static_cast<pid_t>(processes[0]), SIGSTOP); // the connection itself stays
    });
    ExecRequest request;
    request.command = "echo $PPID $$ >" + signpost.file() + "; exec sleep 1000";
    request.timeout.command = std::chrono::minutes(1);
    const auto outcome = rig.exec_on(bare("db1"), request);
    stopper.join();
    for (const auto pid : processes) ::kill(static_cast<pid_t>(pid), SIGKILL);
    REQUIRE(processes.size() == 2);
    CHECK(outcome.state == NodeState::lost);
}

TEST_CASE("a ProxyCommand refuses the node before anything is sent") {
    Rig rig;
    rig.ssh_config = host_block(" ProxyCommand nc %h %p\n");
    const auto unreached = rig.connect(bare("db1")).unreached;
    CHECK(unreached.message.find("ProxyCommand") != std::string::npos);
    CHECK(!unreached.retry);
}

TEST_CASE("a host that only an authority vouches for is refused until its key is trusted") {
    Rig rig;
    const auto authority = rig.folder.write("authority", "@cert-authority * " + test_nodes().host_key + "\n");
    rig.ssh_config = "UserKnownHostsFile " + authority + "\n" + host_block();
    const auto unreached = rig.connect(bare("db1")).unreached;
    CHECK(unreached.cause == Cause::host_key);
    CHECK(unreached.message.find("certificate authority") != std::string::npos);
    TrustWish wish;
    wish.fingerprint = trust(rig, bare("db1")).value().fingerprint;
    CHECK(trust(rig, bare("db1"), wish).value().recorded);
    CHECK(rig.connect(bare("db1")).remote);
}

TEST_CASE("a key is trusted by its fingerprint, and Loom replaces only its own line") {
    Rig rig;
    rig.ssh_config = host_block(" IdentityFile none\n"); // no credential is needed
    const auto first = trust(rig, bare("db1")).value();
    CHECK(first.verdict == "unknown");
    CHECK(first.type == "ssh-ed25519");
    CHECK(first.fingerprint.starts_with("SHA256:"));
    CHECK(first.fingerprint.size() == 50);
    CHECK(!std::filesystem::exists(rig.folder.path("own_known_hosts"))); // looked only
    TrustWish wish;
    wish.fingerprint = "SHA256:another";
    CHECK(trust(rig, bare("db1"), wish).error().code == Errc::conflict);
    wish.fingerprint = first.fingerprint;
    CHECK(trust(rig, bare("db1"), wish).value().recorded);
    CHECK(!trust(rig, bare("db1"), wish).value().recorded); // listed already

    const auto old_line = fmt::format("[{}]:{} {}", test_nodes().addresses[0], test_nodes().port, other_key);
    rig.folder.write("own_known_hosts", old_line);
    CHECK(trust(rig, bare("db1")).value().verdict == "changed");
    CHECK(trust(rig, bare("db1"), wish).error().code == Errc::conflict);
    wish.replace = true;
    CHECK(trust(rig, bare("db1"), wish).value().recorded);
    CHECK(read_text(rig.folder.path("own_known_hosts")).find(other_key) == std::string::npos);

    rig.ssh_config = "UserKnownHostsFile " + rig.folder.write("theirs", old_line) + "\n" + host_block();
    rig.folder.write("own_known_hosts", "");
    const auto blocked = trust(rig, bare("db1"), wish);
    REQUIRE(blocked.has_error());
    CHECK(blocked.error().message.find(rig.folder.path("theirs") + ":1") != std::string::npos);
    CHECK(read_text(rig.folder.path("own_known_hosts")).empty());
}
