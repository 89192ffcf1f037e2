#include "ssh/library.hpp"
#include "ssh/login_rig.hpp"

#include <boost/asio/ip/tcp.hpp>

using namespace loom;
using namespace loom::ssh_test;

namespace {

Node known_node(const TestSshd& server) {
    auto node = server.node();
    node.identity = test_nodes().identity;
    return node;
}

bool machine_has_ipv6() {
    asio::io_context io;
    asio::ip::tcp::acceptor probe(io);
    error_code ec;
    probe.open(asio::ip::tcp::v6(), ec);
    if (!ec) probe.bind({asio::ip::make_address("::1"), 0}, ec);
    return !ec;
}

} // namespace

TEST_CASE("hardened servers, and one with only an RSA host key, are reached") {
    if (!ssh_library_is_current()) {
        WARN("libssh2 " << ssh_library_version() << " cannot reach these servers; loom doctor says so");
        return;
    }
    for (const std::string settings : {
             "Ciphers aes128-gcm@openssh.com\n",
             "Ciphers aes256-gcm@openssh.com\nMACs hmac-sha2-512-etm@openssh.com\n",
             "Ciphers chacha20-poly1305@openssh.com\n",
             "Ciphers aes256-ctr\nMACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com\n",
             "KexAlgorithms diffie-hellman-group16-sha512\n",
             "HostKey RSA\nHostKeyAlgorithms rsa-sha2-512,rsa-sha2-256\n",
             "HostKey ECDSA\nHostKeyAlgorithms ecdsa-sha2-nistp256\n",
         }) {
        Rig rig;
        auto given = settings;
        for (const std::string type : {"RSA", "ECDSA"})
            if (const auto at = given.find("HostKey " + type); at != given.npos)
                given.replace(at + 8, type.size(), make_key(rig.folder, "host", type == "RSA" ? "rsa -b 2048" : "ecdsa"));
        rig.folder.write("authorized_keys", public_line(test_nodes().identity));
        const TestSshd server(rig.folder, given);
        const auto connected = rig.connect(known_node(server));
        INFO(given << connected.unreached.message);
        CHECK(connected.remote);
    }
}

TEST_CASE("a node and its jump host are reached by IPv6") {
    if (!machine_has_ipv6()) {
        WARN("this machine has no ::1");
        return;
    }
    Rig rig;
    rig.folder.write("authorized_keys", public_line(test_nodes().identity));
    const TestSshd server(rig.folder, "ListenAddress ::1\n");
    auto node = known_node(server);
    node.address = "::1";
    CHECK(rig.connect(node).remote);
    rig.ssh_config = "Host *\n  IdentityFile " + test_nodes().identity + "\n  UserKnownHostsFile none\n";
    node = known_node(server);
    node.jump = "[::1]:" + std::to_string(node.port);
    const auto connector = rig.connector();
    std::string unreached;
    bool reached = false;
    rig.run([&]() -> awaitable<void> {
        const StopToken none;
        const Timeouts timeout;
        const auto connected = co_await connector->connect(node, timeout, none, nullptr);
        reached = connected.remote != nullptr;
        unreached = connected.unreached.message;
        if (connected.remote) co_await connected.remote->close();
        co_await connector->close();
    });
    INFO(unreached);
    CHECK(reached);
}

TEST_CASE("a session is kept from command to command, also where the server grants one channel at a time") {
    const std::string settings = GENERATE("", "MaxSessions 1\n");
    CAPTURE(settings);
    Rig rig;
    rig.pool_idle = std::chrono::minutes(1);
    rig.folder.write("authorized_keys", public_line(test_nodes().identity));
    const TestSshd server(rig.folder, settings);
    const auto node = known_node(server);
    const auto connector = rig.connector();
    std::vector<std::string> ports;
    rig.run([&]() -> awaitable<void> {
        const StopToken none;
        const Timeouts timeout;
        for (int i = 0; i < 4; ++i) {
            const auto connected = co_await connector->connect(node, timeout, none, nullptr);
            if (!connected.remote) break;
            ExecRequest request;
            request.command = "set -- $SSH_CONNECTION; echo $2";
            const auto outcome = co_await connected.remote->exec(std::move(request), none);
            ports.emplace_back(outcome.out.text);
            co_await connected.remote->close();
        }
        co_await connector->close();
    });
    REQUIRE(ports.size() == 4);
    CHECK(ports == std::vector<std::string>(4, ports.front()));
    CHECK(!ports.front().empty());
}
