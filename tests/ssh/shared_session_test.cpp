#include "core/async/scope.hpp"
#include "ssh/rig.hpp"

#include <csignal>

using namespace loom;
using namespace loom::ssh_test;

namespace {

ExecRequest lasting(const Signpost& signpost) {
    ExecRequest request;
    request.command = "sleep 1000 & echo $$ $! >" + signpost.file() + "; wait";
    return request;
}

} // namespace

TEST_CASE("on a shared session a kill ends its own command only") {
    struct Row {
        std::string where, user;
    };
    const auto row = GENERATE(values<Row>({{"", ""}, {"sudo", "loom-free"}, {"dropbear", "loom-free"}, {"dropbear", "root"}}));
    CAPTURE(row.where, row.user);
    Rig rig;
    const auto node = row.where.empty() ? std::optional<Node>(Rig::node()) : Rig::other(row.where, row.user);
    if (!node) return;
    TemporaryFolder folders[2];
    const Signpost signposts[] = {Signpost(folders[0], true), Signpost(folders[1], true)};
    const StopToken stops[2];
    Outcome outcomes[2];
    std::vector<long> processes[2];
    bool other_lived = false;
    std::string after;
    const auto reaches = rig.connector();
    std::jthread act([&] {
        processes[0] = numbers(signposts[0].line());
        processes[1] = numbers(signposts[1].line());
        stops[0].request(StopReason::cancelled);
    });
    rig.run([&]() -> awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        auto connected = co_await reaches->connect(*node, Timeouts(), StopToken(), nullptr);
        if (!connected.remote) co_return;
        Scope scope(executor);
        auto first = [&]() -> awaitable<void> {
            auto request = lasting(signposts[0]);
            outcomes[0] = co_await connected.remote->exec(std::move(request), stops[0]);
            other_lived = true;
            for (const auto pid : processes[1]) other_lived = other_lived && process_alive(pid);
            // The session is as good as before.
            ExecRequest more;
            more.command = "echo more";
            const auto outcome = co_await connected.remote->exec(std::move(more), StopToken());
            after = outcome.out.text;
            stops[1].request(StopReason::shutdown);
        };
        auto second = [&]() -> awaitable<void> {
            auto request = lasting(signposts[1]);
            outcomes[1] = co_await connected.remote->exec(std::move(request), stops[1]);
        };
        scope.spawn(std::move(first));
        scope.spawn(std::move(second));
        co_await scope.join();
    });
    REQUIRE(processes[0].size() == 2);
    REQUIRE(processes[1].size() == 2);
    CHECK(other_lived);
    CHECK(after == "more\n");
    CHECK(outcomes[0].state == NodeState::cancelled);
    CHECK(outcomes[0].survivors == "");
    CHECK(outcomes[1].state == NodeState::interrupted);
    CHECK(outcomes[1].survivors == "");
    for (const auto& both : processes)
        for (const auto pid : both) CHECK(process_ends(pid));
}

TEST_CASE("the node ends a command whose connection is lost, where that is asked for") {
    struct Row {
        std::string where, user;
        bool become;
    };
    const auto row = GENERATE(values<Row>({{"", "", false}, {"sudo", "loom-asks", true}, {"sudo", "loom-free", true}}));
    CAPTURE(row.user);
    Rig rig;
    const auto node = row.where.empty() ? std::optional<Node>(Rig::node()) : Rig::other(row.where, row.user);
    if (!node) return;
    const Signpost signpost(rig.folder, true);
    ExecRequest request;
    request.command = "trap '' HUP; sleep 1000 & echo $$ $! >" + signpost.file() + "; wait; sleep 1000";
    request.end_with_link = true;
    if (row.become) {
        request.become.emplace();
        request.become->password = Secret(test_nodes().others.password);
    }
    std::vector<long> processes;
    std::string unreached;
    const auto reaches = rig.connector();
    rig.run([&]() -> awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        auto connected = co_await reaches->connect(*node, Timeouts(), StopToken(), nullptr);
        if (!connected.remote) co_return;
        auto dropped = when(signpost, [&](const std::string& line) {
            processes = numbers(line);
            // The connection breaks under the command, from this side.
            asio::post(executor, [&] { connected.remote.reset(); });
        });
        const auto outcome = co_await connected.remote->exec(request, StopToken());
        CHECK(outcome.state == NodeState::lost);
    });
    REQUIRE(processes.size() == 2);
    for (const auto pid : processes) CHECK(process_ends(pid));
}

TEST_CASE("a command that ends by itself takes nothing with it where the node watches the link") {
    Rig rig;
    const Signpost signpost(rig.folder);
    ExecRequest request;
    request.command = "nohup sleep 1000 >/dev/null 2>&1 & echo $! >" + signpost.file() + "; wait -n 2>/dev/null & cat; exit 4";
    request.end_with_link = true;
    const auto outcome = rig.exec(request);
    CHECK(outcome.exit_status == 4);
    const auto left = numbers(signpost.line());
    REQUIRE(left.size() == 1);
    CHECK(process_alive(left[0]));
    ::kill(static_cast<pid_t>(left[0]), SIGKILL);
}

TEST_CASE("a command on a kept session is killed alone, and the session is kept no longer") {
    const auto server = GENERATE("", "dropbear");
    CAPTURE(server);
    Rig rig;
    rig.pool_idle = std::chrono::minutes(1);
    const auto node = *server ? Rig::other(server, "loom-free") : std::optional<Node>(Rig::node());
    if (!node) return;
    TemporaryFolder folder;
    const Signpost signpost(folder, true);
    const StopToken stop;
    std::vector<long> processes;
    std::vector<std::string> said;
    Outcome outcome;
    const auto reaches = rig.connector();
    std::jthread act([&] {
        processes = numbers(signpost.line());
        stop.request(StopReason::cancelled);
    });
    rig.run([&]() -> awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            auto connected = co_await reaches->connect(*node, Timeouts(), StopToken(), nullptr);
            if (!connected.remote) break;
            ExecRequest request;
            request.command = "echo said";
            auto told = co_await connected.remote->exec(std::move(request), StopToken());
            said.push_back(std::string(told.out.text) + told.message);
            co_await connected.remote->close();
        }
        auto connected = co_await reaches->connect(*node, Timeouts(), StopToken(), nullptr);
        if (connected.remote) {
            auto request = lasting(signpost);
            outcome = co_await connected.remote->exec(std::move(request), stop);
            co_await connected.remote->close();
        }
        co_await reaches->close();
    });
    CHECK(said == std::vector<std::string>(3, "said\n"));
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.message == "");
    REQUIRE(processes.size() == 2);
    for (const auto pid : processes) CHECK(process_ends(pid));
}
