#include "rig.hpp"

#include "core/async/scope.hpp"
#include "core/async/slots.hpp"
#include "fleet/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <csignal>
#include <set>
#include <sys/socket.h>
#include <spdlog/fmt/fmt.h>

using namespace loom;
using namespace loom::ssh_test;

namespace {

std::string at(const std::string& address) { return address + ":" + std::to_string(test_nodes().port); }

/// What one command on the node says, through the connector; or why the node was not reached.
awaitable<std::string> say(Connector& connector, Node node, std::string command, Timeouts timeout = {}) {
    const StopToken none;
    auto connected = co_await connector.connect(std::move(node), timeout, none, nullptr);
    if (!connected.remote) co_return fmt::format("{}: {}", to_string(connected.unreached.cause), connected.unreached.message);
    ExecRequest request;
    request.command = std::move(command);
    const auto outcome = co_await connected.remote->exec(std::move(request), none);
    co_await connected.remote->close();
    co_return outcome.state == NodeState::ok ? std::string(outcome.out.text) : fmt::format("{}: {}", to_string(outcome.state), outcome.message);
}

/// Jump hosts are logged in to as ssh_config says.
struct JumpRig : Rig {
    JumpRig() { ssh_config = "Host *\n  IdentityFile " + test_nodes().identity + "\n"; }
};

/// The client's end of the TCP connection that the command came by: `127.0.0.1 40000`.
const std::string client = "set -- $SSH_CONNECTION; echo $1 $2";

std::size_t lines_of(const std::string& file, const std::string& text) {
    const auto log = read_text(file);
    std::size_t count = 0;
    for (auto found = log.find(text); found != log.npos; found = log.find(text, found + 1)) ++count;
    return count;
}

} // namespace

TEST_CASE("a node behind a jump host, and behind two, is reached through them") {
    JumpRig rig;
    auto one = Rig::node(1);
    one.jump = at(Rig::node(0).address);
    auto two = Rig::node(2);
    two.jump = at(Rig::node(0).address) + "," + at(Rig::node(1).address);
    std::string direct, behind_one, behind_two;
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        behind_one = co_await say(*connector, one, client);
        behind_two = co_await say(*connector, two, "cat >/dev/null; head -c 3000000 /dev/zero | wc -c");
        co_await connector->close();
    });
    CHECK(behind_one.starts_with("127."));
    CHECK(behind_two == "3000000\n");
}

TEST_CASE("a kill behind two jump hosts ends the command's processes, and reports what left its session") {
    JumpRig rig;
    const Signpost signpost(rig.folder);
    const StopToken stop;
    std::vector<long> processes;
    auto node = Rig::node(2);
    node.jump = at(Rig::node(0).address) + "," + at(Rig::node(1).address);
    ExecRequest request;
    request.command = "sleep 1000 & a=$!; sh -c 'trap \"\" TERM; sleep 1000; :' & b=$!; c=$(sh -c 'sleep 1000 >/dev/null & echo $!'); "
                      "setsid sleep 1000 & echo $$ $a $b $c $! >" + signpost.file() + "; wait";
    request.timeout.grace = std::chrono::seconds(1);
    const auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        stop.request(StopReason::cancelled);
    });
    Outcome outcome;
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        auto connected = co_await connector->connect(node, Timeouts(), stop, nullptr);
        if (connected.remote) outcome = co_await connected.remote->exec(request, stop);
        if (connected.remote) co_await connected.remote->close();
        co_await connector->close();
    });
    CHECK(outcome.state == NodeState::cancelled);
    REQUIRE(processes.size() == 5);
    CHECK(outcome.survivors == std::to_string(processes[4]));
    for (std::size_t i = 0; i < 4; ++i) CHECK(process_ends(processes[i]));
    CHECK(process_alive(processes[4]));
    ::kill(static_cast<pid_t>(processes[4]), SIGKILL);
}

TEST_CASE("a bastion that refuses the login is not asked again for each node behind it") {
    fleet::Options options;
    options.faults = {{"", 100, ~0ULL, {fleet::Step::auth, fleet::Kind::refuse}}};
    const fleet::FleetServer bastion(options);
    JumpRig rig;
    std::vector<std::string> said;
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        for (const auto* name : {"db1", "db2", "db3"}) {
            auto node = Rig::node();
            node.name = node.address = name;
            node.jump = "127.0.0.1:" + std::to_string(bastion.port());
            auto words = co_await say(*connector, node, "true");
            said.push_back(std::move(words));
        }
        co_await connector->close();
    });
    REQUIRE(said.size() == 3);
    for (const auto& words : said) CHECK(words.find("jump host 127.0.0.1: ") != words.npos);
    CHECK(bastion.counters().connections == 1);
}

TEST_CASE("three hundred nodes behind a bastion with sshd's default limits are all reached, on few of its sessions") {
    JumpRig rig;
    const auto& nodes = test_nodes();
    const auto log = nodes.folder + "/sshd." + nodes.bastion + ".log";
    const auto before = lines_of(log, "Accepted publickey");
    std::size_t ok = 0;
    std::set<std::string> others;
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        Scope scope(co_await asio::this_coro::executor);
        Slots places(24);
        const StopToken none;
        for (int i = 0; i < 300; ++i) {
            auto node = Rig::node(i % 4);
            node.name = "far" + std::to_string(i);
            node.jump = at(nodes.bastion);
            auto place = co_await places.acquire(none);
            auto one = [&, node, place = std::move(place)]() -> awaitable<void> {
                const auto said = co_await say(*connector, node, "echo here");
                if (said == "here\n") ++ok;
                else others.insert(said);
            };
            scope.spawn(std::move(one));
        }
        co_await scope.join();
        co_await connector->close();
    });
    CHECK(others == std::set<std::string>{});
    CHECK(ok == 300);
    const auto logins = lines_of(log, "Accepted publickey") - before;
    CHECK(logins >= 1);
    CHECK(logins <= 8);
}

TEST_CASE("a jump host that is gone, refuses the way or meets silence: each is said") {
    JumpRig rig;
    asio::ip::tcp::acceptor gone(rig.io, {asio::ip::make_address("127.0.0.1"), 0});
    const auto free_port = gone.local_endpoint().port();
    gone.close();
    auto no_bastion = Rig::node(1);
    no_bastion.jump = "127.0.0.1:" + std::to_string(free_port);
    auto nobody = Rig::node(1);
    nobody.jump = at(Rig::node(0).address);
    nobody.address = "127.0.0.1";
    nobody.port = free_port;
    auto nowhere = Rig::node(1);
    nowhere.jump = at(Rig::node(0).address);
    nowhere.address = "no-such-host.invalid";
    std::string first, second, third, after;
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        first = co_await say(*connector, no_bastion, "true");
        second = co_await say(*connector, nobody, "true");
        third = co_await say(*connector, nowhere, "true");
        auto fine = Rig::node(1);
        fine.jump = nobody.jump;
        after = co_await say(*connector, fine, "echo fine");
        co_await connector->close();
    });
    CHECK(first == fmt::format("refused: jump host 127.0.0.1: connection refused by 127.0.0.1:{}", free_port));
    CHECK(second.starts_with(fmt::format("refused: 127.0.0.1:{} through {}", free_port, nobody.jump)));
    CHECK(third.starts_with("refused: no-such-host.invalid:"));
    CHECK(after == "fine\n");
}

TEST_CASE("a tunnel that nobody answers is given up at its deadline, and the bastion serves on") {
    JumpRig rig;
    // A full backlog answers no further SYN, as a silent host does.
    asio::ip::tcp::acceptor full(rig.io);
    full.open(asio::ip::tcp::v4());
    full.bind({asio::ip::make_address("127.0.0.1"), 0});
    full.listen(0);
    std::vector<std::unique_ptr<asio::ip::tcp::socket>> filling;
    for (int i = 0; i < 4; ++i) {
        filling.push_back(std::make_unique<asio::ip::tcp::socket>(rig.io));
        filling.back()->open(asio::ip::tcp::v4());
        filling.back()->native_non_blocking(true);
        const auto target = full.local_endpoint();
        (void)::connect(filling.back()->native_handle(), target.data(), static_cast<socklen_t>(target.size()));
    }
    auto silent = Rig::node(1);
    silent.jump = at(Rig::node(0).address);
    silent.address = "127.0.0.1";
    silent.port = full.local_endpoint().port();
    Timeouts timeout;
    timeout.connect = std::chrono::milliseconds(300);
    std::string said, after;
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        said = co_await say(*connector, silent, "true", timeout);
        auto fine = Rig::node(1);
        fine.jump = silent.jump;
        after = co_await say(*connector, fine, "echo fine");
        co_await connector->close();
    });
    CHECK(said.starts_with("connect_timeout: no connection to 127.0.0.1:"));
    CHECK(after == "fine\n");
}

TEST_CASE("a kept session is leased again, to one user at a time") {
    JumpRig rig;
    rig.pool_idle = std::chrono::minutes(1);
    std::string first, again, both_a, both_b, behind, behind_again;
    auto far = Rig::node(1);
    far.jump = at(Rig::node(0).address);
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        first = co_await say(*connector, Rig::node(0), client);
        again = co_await say(*connector, Rig::node(0), client);
        Scope scope(co_await asio::this_coro::executor);
        auto a = [&]() -> awaitable<void> { both_a = co_await say(*connector, Rig::node(0), client); };
        auto b = [&]() -> awaitable<void> { both_b = co_await say(*connector, Rig::node(0), client); };
        scope.spawn(a);
        scope.spawn(b);
        co_await scope.join();
        behind = co_await say(*connector, far, client);
        behind_again = co_await say(*connector, far, client);
        co_await connector->close();
    }, 2);
    CHECK(first == again);
    CHECK(both_a != both_b);
    CHECK((both_a == first || both_b == first));
    CHECK(behind == behind_again);
}

TEST_CASE("a session whose last command was stopped is not used again") {
    JumpRig rig;
    rig.pool_idle = std::chrono::minutes(1);
    std::string first, later;
    NodeState state{};
    const auto connector = rig.connector();
    rig.run([&]() -> awaitable<void> {
        first = co_await say(*connector, Rig::node(0), client);
        const StopToken none;
        Timeouts timeout;
        timeout.command = std::chrono::milliseconds(300);
        auto connected = co_await connector->connect(Rig::node(0), timeout, none, nullptr);
        ExecRequest request;
        request.command = "sleep 60";
        request.timeout = timeout;
        const auto outcome = co_await connected.remote->exec(std::move(request), none);
        state = outcome.state;
        co_await connected.remote->close();
        later = co_await say(*connector, Rig::node(0), client);
        co_await connector->close();
    });
    CHECK(state == NodeState::timed_out);
    CHECK(first != later);
}
