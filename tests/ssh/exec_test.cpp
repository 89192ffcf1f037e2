#include "core/async/scope.hpp"
#include "core/base/limits.hpp"
#include "ssh/rig.hpp"

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

using namespace loom;
using namespace loom::ssh_test;
using namespace std::chrono_literals;

namespace {

ExecRequest request_of(std::string command) {
    ExecRequest request;
    request.command = std::move(command);
    return request;
}

} // namespace

TEST_CASE("a command's result is what the shell on the node says") {
    struct Row {
        std::string command;
        NodeState state;
        std::optional<int> status;
        std::string signal, out, err;
    };
    const auto row = GENERATE(values<Row>({
        {"true", NodeState::ok, 0, "", "", ""},
        {"exit 3", NodeState::failed, 3, "", "", ""},
        {"exit 255", NodeState::failed, 255, "", "", ""},
        {"printf out; printf err >&2", NodeState::ok, 0, "", "out", "err"},
        {"printf 'a\\nb\\0c'", NodeState::ok, 0, "", std::string("a\nb\0c", 5), ""},
        {"echo \"it's $((6 * 7))\"", NodeState::ok, 0, "", "it's 42\n", ""},
        {"kill -TERM $$", NodeState::failed, std::nullopt, "TERM", "", ""},
        {"kill -KILL $$", NodeState::failed, std::nullopt, "KILL", "", ""},
        {"exec >&- 2>&-; sleep 0.2; exit 7", NodeState::failed, 7, "", "", ""},
        {"no-such-command-here 2>/dev/null", NodeState::failed, 127, "", "", ""},
    }));
    CAPTURE(row.command);
    Rig rig;
    const auto outcome = rig.exec(row.command);
    CHECK(outcome.state == row.state);
    CHECK(outcome.exit_status == row.status);
    CHECK(outcome.exit_signal == row.signal);
    CHECK(outcome.out.text == row.out);
    CHECK(outcome.err.text == row.err);
    CHECK(outcome.phase == Phase::command);
}

TEST_CASE("output beyond the cap is counted, not kept") {
    Rig rig;
    const auto outcome = rig.exec("head -c 3000000 /dev/zero | tr '\\0' x; head -c 1500000 /dev/zero | tr '\\0' y >&2");
    CHECK(outcome.state == NodeState::ok);
    CHECK(outcome.out.text == std::string(limits::output_bytes, 'x'));
    CHECK(outcome.out.dropped_bytes == 3'000'000 - limits::output_bytes);
    CHECK(outcome.err.text == std::string(limits::output_bytes, 'y'));
    CHECK(outcome.err.dropped_bytes == 1'500'000 - limits::output_bytes);
}

TEST_CASE("what is kept of a command's output is heard as it comes") {
    Rig rig;
    const Signpost signpost(rig.folder);
    // The command waits to be heard before it goes on, and beyond the cap nothing is heard.
    auto request = request_of("echo first; read -r go <" + signpost.file() + "; echo $go; echo err >&2; head -c 1500000 /dev/zero");
    std::string out, err;
    request.output = std::make_shared<OutputBuffer>([&](bool to_err, std::string_view bytes) {
        (to_err ? err : out) += bytes;
        if (out == "first\n") std::ofstream(signpost.file()) << "heard" << std::endl;
    });
    const auto outcome = rig.exec(request);
    CHECK(outcome.state == NodeState::ok);
    CHECK(out.starts_with("first\nheard\n"));
    CHECK(out == outcome.out.text);
    CHECK(out.size() == limits::output_bytes);
    CHECK(err == "err\n");
}

TEST_CASE("a command reads its input to the end of file") {
    Rig rig;
    CHECK(rig.exec("cat").out.text.empty());
    auto request = request_of("cat");
    for (int i = 0; i < 60'000; ++i) request.input += std::to_string(i);
    const auto outcome = rig.exec(request);
    CHECK(outcome.state == NodeState::ok);
    CHECK(outcome.out.text == request.input);
}

TEST_CASE("a command that leaves its input unread does not fail for it") {
    Rig rig;
    auto request = request_of("exec <&-; echo done");
    request.input.assign(5'000'000, 'x');
    const auto outcome = rig.exec(request);
    CHECK(outcome.state == NodeState::ok);
    CHECK(outcome.out.text == "done\n");
}

TEST_CASE("one connection runs commands one after the other") {
    Rig rig;
    const auto reaches = rig.connector();
    std::string seen;
    rig.run([&]() -> awaitable<void> {
        const auto node = Rig::node();
        auto connected = co_await reaches->connect(node, Timeouts(), StopToken(), nullptr);
        for (int i = 0; connected.remote && i < 5; ++i) {
            auto request = request_of("echo " + std::to_string(i));
            const auto outcome = co_await connected.remote->exec(std::move(request), StopToken());
            seen += outcome.out.text;
        }
    });
    CHECK(seen == "0\n1\n2\n3\n4\n");
}

TEST_CASE("sixteen sessions run side by side on two threads") {
    Rig rig;
    const auto reaches = rig.connector();
    std::atomic<int> right{0};
    rig.run(
        [&]() -> awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            Scope scope(executor);
            for (int i = 0; i < 16; ++i) {
                auto session = [&, i]() -> awaitable<void> {
                    const auto node = Rig::node(static_cast<std::size_t>(i) % test_nodes().addresses.size());
                    auto connected = co_await reaches->connect(node, Timeouts(), StopToken(), nullptr);
                    if (!connected.remote) co_return;
                    auto request = request_of("head -c 200000 /dev/zero; echo " + std::to_string(i));
                    const auto outcome = co_await connected.remote->exec(std::move(request), StopToken());
                    if (outcome.out.text.substr(200'000) == std::to_string(i) + "\n") ++right;
                    co_await connected.remote->close();
                };
                scope.spawn(make_strand(rig.io.get_executor()), std::move(session));
            }
            co_await scope.join();
        },
        2);
    CHECK(right == 16);
}

TEST_CASE("a stop ends the command's processes and gives its reason") {
    struct Row {
        StopReason reason;
        NodeState state;
    };
    const auto row = GENERATE(values<Row>({{StopReason::cancelled, NodeState::cancelled},
                                           {StopReason::timed_out, NodeState::timed_out},
                                           {StopReason::shutdown, NodeState::interrupted}}));
    Rig rig;
    const Signpost signpost(rig.folder);
    const StopToken stop;
    std::vector<long> processes;
    // A child, a child of a shell of its own, and one that has left its parent but not the session.
    const auto command = "sleep 1000 & a=$!; sh -c 'sleep 1000; :' & b=$!; "
                         "c=$(sh -c 'sleep 1000 >/dev/null & echo $!'); echo output; echo $$ $a $b $c >" +
                         signpost.file() + "; wait";
    const auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        stop.request(row.reason);
    });
    const auto outcome = rig.exec(request_of(command), stop);
    CHECK(outcome.state == row.state);
    CHECK(outcome.survivors == "");
    CHECK(outcome.out.text == "output\n");
    CHECK(outcome.exit_signal == "TERM");
    REQUIRE(processes.size() == 4);
    for (const auto pid : processes) CHECK(process_ends(pid));
}

TEST_CASE("what ignores TERM is killed after the grace") {
    Rig rig;
    const Signpost signpost(rig.folder);
    const StopToken stop;
    std::vector<long> processes;
    auto request = request_of("trap '' TERM; sleep 1000 & echo $$ $! >" + signpost.file() + "; wait; wait");
    request.timeout.grace = 1s;
    const auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        stop.request(StopReason::cancelled);
    });
    const auto outcome = rig.exec(request, stop);
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.exit_signal == "KILL");
    CHECK(outcome.survivors == "");
    REQUIRE(processes.size() == 2);
    for (const auto pid : processes) CHECK(process_ends(pid));
}

TEST_CASE("processes whose shell has gone are ended too") {
    Rig rig;
    const Signpost signpost(rig.folder);
    const StopToken stop;
    std::vector<long> processes;
    // The shell ends, but the channel stays open as long as its child holds the output.
    const auto command = "sleep 1000 & echo $! $$ >" + signpost.file();
    const auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        if (processes.size() == 2) process_ends(processes[1]);
        stop.request(StopReason::cancelled);
    });
    const auto outcome = rig.exec(request_of(command), stop);
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.survivors == "");
    REQUIRE(processes.size() == 2);
    CHECK(process_ends(processes[0]));
}

TEST_CASE("a process that left its session outlives the kill and is reported") {
    Rig rig;
    const Signpost signpost(rig.folder);
    const StopToken stop;
    std::string line;
    const auto command = "setsid sh -c 'echo $$ >" + signpost.file() + "; exec sleep 1000' & wait";
    const auto stopper = when(signpost, [&](const std::string& said) {
        line = said;
        stop.request(StopReason::cancelled);
    });
    const auto outcome = rig.exec(request_of(command), stop);
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.survivors == line);
    const auto processes = numbers(line);
    REQUIRE(processes.size() == 1);
    CHECK(process_alive(processes[0]));
    ::kill(static_cast<pid_t>(processes[0]), SIGKILL);
}

TEST_CASE("a command that passes its deadline is timed out") {
    Rig rig;
    auto request = request_of("sleep 1000");
    request.timeout.command = 200ms;
    const auto outcome = rig.exec(request);
    CHECK(outcome.state == NodeState::timed_out);
    CHECK(outcome.message.starts_with("the command did not end within 200ms"));
    CHECK(outcome.survivors == "");
}

TEST_CASE("a command that says nothing for too long is timed out") {
    Rig rig;
    auto request = request_of("echo something; sleep 1000");
    request.timeout.idle = 200ms;
    const auto outcome = rig.exec(request);
    CHECK(outcome.state == NodeState::timed_out);
    CHECK(outcome.message == "no output for 200ms");
}

TEST_CASE("a command that never stops writing can be stopped") {
    Rig rig;
    auto request = request_of("yes");
    request.timeout.command = 300ms;
    const auto outcome = rig.exec(request);
    CHECK(outcome.state == NodeState::timed_out);
    CHECK(outcome.survivors == "");
}

TEST_CASE("a stop before the command leaves the node untouched") {
    Rig rig;
    const StopToken stop;
    stop.request(StopReason::cancelled);
    const auto outcome = rig.exec(request_of("echo ran >" + rig.folder.path("ran")), stop);
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.phase == Phase::open);
    CHECK(!std::filesystem::exists(rig.folder.path("ran")));
}

TEST_CASE("a link that dies under the command is lost") {
    Rig rig;
    const Signpost signpost(rig.folder);
    std::vector<long> processes;
    const auto command = "echo before; echo $PPID $$ >" + signpost.file() + "; sleep 1000; :";
    auto killer = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        if (processes.size() == 2) ::kill(static_cast<pid_t>(processes[0]), SIGKILL); // sshd's process for the connection
    });
    const auto outcome = rig.exec(request_of(command));
    killer.join();
    CHECK(outcome.state == NodeState::lost);
    CHECK(outcome.phase == Phase::command);
    CHECK(!outcome.exit_status.has_value());
    CHECK(outcome.message.starts_with("connection to 127."));
    REQUIRE(processes.size() == 2);
    ::kill(static_cast<pid_t>(-processes[1]), SIGKILL);
}
