#include "core/async/scope.hpp"
#include "ssh/faulty_server.hpp"
#include "ssh/rig.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <sstream>

using namespace loom;
using namespace loom::ssh_test;
using namespace std::chrono_literals;

namespace {

using Socket = FaultyServer::Socket;

std::string listed_name(const Node& node) { return "[" + node.address + "]:" + std::to_string(node.port); }

const std::string other_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

Node node_at(unsigned short port) {
    Node node = Rig::node();
    node.address = "127.0.0.1";
    node.port = port;
    return node;
}

Timeouts short_timeouts() {
    Timeouts timeout;
    timeout.connect = timeout.resolve = timeout.handshake = timeout.auth = 300ms;
    return timeout;
}

/// What sshd wrote about attempts to log in on the node.
std::string login_log(const Node& node) {
    std::istringstream log(read_text(test_nodes().folder + "/sshd." + node.address + ".log"));
    std::string found;
    for (std::string line; std::getline(log, line);)
        if (line.find("Accepted") != line.npos || line.find("Failed") != line.npos) found += line + "\n";
    return found;
}

awaitable<void> hold(std::shared_ptr<Socket> socket) {
    char byte = 0;
    for (;;) {
        auto [ec, size] = co_await socket->async_read_some(asio::buffer(&byte, 1), tup);
        if (ec) co_return;
    }
}

awaitable<void> say(std::shared_ptr<Socket> socket, std::string text) {
    auto [ec, size] = co_await asio::async_write(*socket, asio::buffer(text), tup);
    (void)ec;
}

awaitable<void> stay_silent(Socket accepted) {
    const auto socket = std::make_shared<Socket>(std::move(accepted));
    co_await hold(socket);
}

awaitable<void> close_at_once(Socket) { co_return; }

awaitable<void> reset_after_banner(Socket accepted) {
    const auto socket = std::make_shared<Socket>(std::move(accepted));
    co_await say(socket, "SSH-2.0-OpenSSH_9.2\r\n");
    char byte = 0; // its banner: an earlier reset would count as one of the connect
    auto [ec, size] = co_await socket->async_read_some(asio::buffer(&byte, 1), tup);
    (void)ec, (void)size;
    FaultyServer::reset(*socket);
}

awaitable<void> speak_http(Socket accepted) {
    const auto socket = std::make_shared<Socket>(std::move(accepted));
    co_await say(socket, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    co_await hold(socket);
}

awaitable<void> send_garbage(Socket accepted) {
    const auto socket = std::make_shared<Socket>(std::move(accepted));
    std::string text = "SSH-2.0-x\r\n";
    for (int i = 0; i < 20'000; ++i) text += static_cast<char>(i * 7 + i / 5);
    co_await say(socket, text);
    co_await hold(socket);
}

awaitable<void> claim_a_huge_packet(Socket accepted) {
    const auto socket = std::make_shared<Socket>(std::move(accepted));
    const std::string huge("SSH-2.0-x\r\n\x7f\xff\xff\xff\x04", 16);
    co_await say(socket, huge);
    co_await hold(socket);
}

awaitable<void> talk_without_end(Socket accepted) {
    const auto socket = std::make_shared<Socket>(std::move(accepted));
    const std::string line(4000, 'x');
    for (;;) {
        auto [ec, size] = co_await asio::async_write(*socket, asio::buffer(line + "\r\n"), tup);
        if (ec) co_return;
    }
}

awaitable<void> drip(Socket accepted) {
    const auto socket = std::make_shared<Socket>(std::move(accepted));
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    for (;;) {
        auto [ec, size] = co_await asio::async_write(*socket, asio::buffer("S", 1), tup);
        if (ec) co_return;
        timer.expires_after(20ms);
        auto [waited] = co_await timer.async_wait(tup);
        (void)waited;
    }
}

} // namespace

TEST_CASE("a node is reached, and its key is recorded at the first time") {
    Rig rig;
    std::vector<Phase> phases;
    const auto reaches = rig.connector();
    const auto node = Rig::node();
    Connected connected;
    rig.run([&]() -> awaitable<void> {
        connected = co_await reaches->connect(node, Timeouts(), StopToken(), [&](Phase phase) { phases.push_back(phase); });
    });
    REQUIRE(connected.remote);
    CHECK(phases == std::vector{Phase::resolve, Phase::connect, Phase::handshake, Phase::host_key, Phase::auth});
    CHECK(read_text(rig.folder.path("own_known_hosts")) == listed_name(node) + " " + test_nodes().host_key + "\n");
    CHECK(rig.connect(node).remote);
}

TEST_CASE("a changed host key ends the attempt before any credential is sent") {
    Rig rig;
    const auto node = Rig::node(3);
    const auto before = login_log(node);
    rig.known_hosts = {rig.folder.write("known_hosts", "# old\n" + listed_name(node) + " " + other_key)};
    const auto unreached = rig.connect(node).unreached;
    CHECK(unreached.state == NodeState::unreachable);
    CHECK(unreached.cause == Cause::host_key);
    CHECK(unreached.phase == Phase::host_key);
    CHECK(!unreached.retry);
    CHECK(unreached.message == "host key of node4 changed (" + rig.known_hosts[0] + ":2); nothing was sent");
    CHECK(login_log(node) == before);
    CHECK(read_text(rig.folder.path("own_known_hosts")).empty());
}

TEST_CASE("a revoked host key is refused") {
    Rig rig;
    rig.known_hosts = {rig.folder.write("known_hosts", "@revoked * " + test_nodes().host_key + "\n")};
    const auto unreached = rig.connect(Rig::node()).unreached;
    CHECK(unreached.cause == Cause::host_key);
    CHECK(unreached.message == "host key of node1 is revoked (" + rig.known_hosts[0] + ":1); nothing was sent");
}

TEST_CASE("under the strict policy only a listed key will do") {
    Rig rig;
    rig.host_keys = HostKeys::strict;
    const auto node = Rig::node();
    const auto unreached = rig.connect(node).unreached;
    CHECK(unreached.cause == Cause::host_key);
    CHECK(!unreached.retry);
    CHECK(!std::filesystem::exists(rig.folder.path("own_known_hosts")));
    rig.known_hosts = {rig.folder.write("known_hosts", node.name + "," + listed_name(node) + " " + test_nodes().host_key)};
    CHECK(rig.connect(node).remote);
}

TEST_CASE("a known_hosts file that cannot be read stops the attempt") {
    Rig rig;
    rig.known_hosts = {rig.folder.path("")}; // a folder: even root cannot read it as a file
    const auto unreached = rig.connect(Rig::node()).unreached;
    CHECK(unreached.cause == Cause::host_key);
    CHECK(unreached.message.starts_with("cannot read "));
}

TEST_CASE("a key that the server does not accept is an authentication failure") {
    Rig rig;
    auto node = Rig::node();
    node.identity = test_nodes().folder + "/host_key"; // a sound private key of somebody else
    node.password = Secret("hunter2");                 // the servers take keys only
    const auto unreached = rig.connect(node).unreached;
    CHECK(unreached.state == NodeState::unreachable);
    CHECK(unreached.cause == Cause::auth);
    CHECK(unreached.phase == Phase::auth);
    CHECK(!unreached.retry);
    CHECK(unreached.message == node.address + ":" + std::to_string(node.port) + ": authentication failed for user " +
                                   test_nodes().user + "; tried " + node.identity + "; the server accepts publickey");
}

TEST_CASE("a key that cannot be used is named with the reason") {
    Rig rig;
    auto node = Rig::node();
    node.identity = rig.folder.write("open", read_text(test_nodes().identity), 0644);
    auto unreached = rig.connect(node).unreached;
    CHECK(unreached.cause == Cause::auth);
    CHECK(!unreached.retry);
    CHECK(unreached.message.find("run: chmod 600 " + node.identity) != std::string::npos);
    node.identity = rig.folder.path("missing");
    unreached = rig.connect(node).unreached;
    CHECK(unreached.cause == Cause::auth);
    CHECK(unreached.message.find("cannot read the identity " + node.identity) != std::string::npos);
    node.identity = rig.folder.write("broken", "-----BEGIN OPENSSH PRIVATE KEY-----\nbroken\n");
    CHECK(rig.connect(node).unreached.cause == Cause::auth);
}

TEST_CASE("without an identity the user's default keys are tried") {
    Rig rig;
    auto node = Rig::node();
    node.identity.clear();
    CHECK(rig.connect(node).unreached.cause == Cause::auth);
    std::filesystem::create_directories(rig.folder.path("home/.ssh"));
    rig.folder.write("home/.ssh/id_ed25519", read_text(test_nodes().folder + "/host_key"));
    rig.folder.write("home/.ssh/id_ecdsa", "not a key");
    rig.folder.write("home/.ssh/id_rsa", read_text(test_nodes().identity));
    CHECK(rig.connect(node).remote);
}

TEST_CASE("a port where nobody listens refuses") {
    Rig rig;
    unsigned short port = 0;
    {
        const FaultyServer gone(close_at_once);
        port = gone.port();
    }
    const auto unreached = rig.connect(node_at(port)).unreached;
    CHECK(unreached.cause == Cause::refused);
    CHECK(unreached.phase == Phase::connect);
    CHECK(unreached.retry);
    CHECK(unreached.message == "connection refused by 127.0.0.1:" + std::to_string(port));
}

TEST_CASE("a name that does not resolve is its own cause") {
    Rig rig;
    auto node = Rig::node();
    node.address = "no-such-host.invalid";
    const auto unreached = rig.connect(node).unreached;
    CHECK(unreached.cause == Cause::name);
    CHECK(unreached.phase == Phase::resolve);
    CHECK(unreached.retry);
    CHECK(unreached.message.starts_with("cannot resolve no-such-host.invalid"));
}

TEST_CASE("an address without a route is its own cause") {
    Rig rig;
    auto node = Rig::node();
    node.address = "255.255.255.255";
    const auto unreached = rig.connect(node).unreached;
    CHECK(unreached.cause == Cause::no_route);
    CHECK(!unreached.retry);
}

namespace {

/// A listener whose queue is full: further connections get no answer.
struct BlackHole {
    BlackHole() : acceptor(io) {
        acceptor.open(asio::ip::tcp::v4());
        acceptor.bind(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
        acceptor.listen(0);
        for (auto& filler : fillers) {
            filler.async_connect(acceptor.local_endpoint(), [](error_code) {}); // the first packet is sent at once
        }
    }
    asio::io_context io;
    asio::ip::tcp::acceptor acceptor;
    std::array<Socket, 4> fillers{Socket(io), Socket(io), Socket(io), Socket(io)};
};

} // namespace

TEST_CASE("a node that does not answer to connect times out, or is given up on a stop") {
    Rig rig;
    const BlackHole hole;
    const auto node = node_at(hole.acceptor.local_endpoint().port());
    const auto unreached = rig.connect(node, short_timeouts()).unreached;
    CHECK(unreached.cause == Cause::connect_timeout);
    CHECK(unreached.phase == Phase::connect);
    CHECK(unreached.retry);
    CHECK(unreached.message == "no connection to 127.0.0.1:" + std::to_string(node.port) + " within 300ms");

    for (const auto& row : {std::pair(StopReason::cancelled, NodeState::cancelled), std::pair(StopReason::timed_out, NodeState::timed_out),
                            std::pair(StopReason::shutdown, NodeState::interrupted)}) {
        const StopToken stop;
        const auto reaches = rig.connector();
        Connected connected;
        rig.run([&]() -> awaitable<void> {
            connected = co_await reaches->connect(node, Timeouts(), stop, [&](Phase phase) {
                if (phase == Phase::connect) stop.request(row.first);
            });
        });
        CHECK(connected.unreached.state == row.second);
        CHECK(connected.unreached.cause == Cause::none);
        CHECK(!connected.unreached.retry);
    }
}

TEST_CASE("a server that misbehaves fails the handshake, within its deadline") {
    struct Row {
        const char* what;
        std::function<awaitable<void>(Socket)> behave;
        bool retry;
    };
    const auto row = GENERATE(values<Row>({{"silent", stay_silent, false},
                                           {"closes", close_at_once, true},
                                           {"resets after its banner", reset_after_banner, true},
                                           {"HTTP", speak_http, false},
                                           {"garbage", send_garbage, false},
                                           {"huge packet", claim_a_huge_packet, false},
                                           {"endless banner", talk_without_end, false},
                                           {"drips", drip, false}}));
    CAPTURE(row.what);
    Rig rig;
    const FaultyServer server(row.behave);
    const auto unreached = rig.connect(node_at(server.port()), short_timeouts()).unreached;
    CAPTURE(unreached.message);
    CHECK(unreached.state == NodeState::unreachable);
    CHECK(unreached.cause == Cause::handshake);
    CHECK(unreached.phase == Phase::handshake);
    CHECK(unreached.retry == row.retry);
    CHECK(!unreached.message.empty());
}

TEST_CASE("a stop ends the wait for a silent server") {
    Rig rig;
    const FaultyServer server(stay_silent);
    const StopToken stop;
    const auto reaches = rig.connector();
    Connected connected;
    rig.run([&]() -> awaitable<void> {
        const auto node = node_at(server.port());
        connected = co_await reaches->connect(node, Timeouts(), stop, [&](Phase phase) {
            if (phase == Phase::handshake) stop.request(StopReason::cancelled);
        });
    });
    CHECK(connected.unreached.state == NodeState::cancelled);
    CHECK(connected.unreached.phase == Phase::handshake);
}

TEST_CASE("a connection that is cut anywhere ends in a state of its own") {
    const auto cut = GENERATE(range(1, 5000, 331));
    CAPTURE(cut);
    Rig rig;
    const asio::ip::tcp::endpoint target(asio::ip::make_address(test_nodes().addresses[0]), test_nodes().port);
    const FaultyServer server(FaultyServer::cut_after(target, static_cast<std::size_t>(cut)));
    const auto reaches = rig.connector();
    Connected connected;
    Outcome outcome;
    rig.run([&]() -> awaitable<void> {
        const auto node = node_at(server.port());
        connected = co_await reaches->connect(node, Timeouts(), StopToken(), nullptr);
        if (!connected.remote) co_return;
        ExecRequest request;
        request.command = "head -c 100000 /dev/zero";
        outcome = co_await connected.remote->exec(request, StopToken());
    });
    if (connected.remote) {
        CHECK(outcome.state == NodeState::lost);
    } else {
        CAPTURE(connected.unreached.message);
        CHECK(connected.unreached.state == NodeState::unreachable);
        // A reset that overtakes our look at the new connection is one of the connect.
        const bool reset = connected.unreached.cause == Cause::refused && connected.unreached.phase == Phase::connect;
        CHECK((connected.unreached.cause == Cause::handshake || reset));
        CHECK(connected.unreached.retry);
    }
}

TEST_CASE("at most eight handshakes run against one address, and all get their turn") {
    Rig rig;
    std::atomic<int> open{0}, most{0};
    const FaultyServer server([&](Socket accepted) -> awaitable<void> {
        const auto socket = std::make_shared<Socket>(std::move(accepted));
        most = std::max<int>(most, ++open);
        co_await hold(socket);
        --open;
    });
    const auto reaches = rig.connector();
    const auto node = node_at(server.port());
    std::atomic<int> ended{0};
    rig.run([&]() -> awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Scope scope(executor);
        for (int i = 0; i < 24; ++i) {
            auto attempt = [&]() -> awaitable<void> {
                const auto timeout = short_timeouts();
                const auto connected = co_await reaches->connect(node, timeout, StopToken(), nullptr);
                if (connected.unreached.cause == Cause::handshake) ++ended;
            };
            scope.spawn(make_strand(rig.io.get_executor()), std::move(attempt));
        }
        co_await scope.join();
    });
    CHECK(ended == 24);
    // One more may be counted: the server sees a close a moment after the next connection.
    CHECK(most >= 8);
    CHECK(most <= 16);
}
