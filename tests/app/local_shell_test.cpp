#include "app/process/local_shell.hpp"

#include "core/async/scope.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace loom;
using namespace std::chrono_literals;

namespace {

/// A shell on a loop of its own, and a FIFO by which a command says that it got so far.
class LocalShellRig {
public:
    explicit LocalShellRig(std::size_t max_workers = 4) : shell_(create_local_shell(io_.get_executor(), max_workers)) {
        // Open for both directions: then neither side waits for the other.
        if (::mkfifo(fifo.c_str(), 0600) == 0) descriptor_ = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (descriptor_ < 0) throw std::runtime_error("cannot make a FIFO");
    }
    ~LocalShellRig() { ::close(descriptor_); }

    std::vector<Outcome> run_all(std::vector<ExecRequest> requests, StopToken stop = {}) {
        std::vector<Outcome> outcomes(requests.size());
        auto work = [&]() -> awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            Scope scope(executor);
            for (std::size_t i = 0; i < requests.size(); ++i) {
                auto one = [&, i]() -> awaitable<void> { outcomes[i] = co_await shell_->run(requests[i], stop); };
                scope.spawn(make_strand(io_.get_executor()), std::move(one));
            }
            co_await scope.join();
        };
        std::exception_ptr error;
        asio::co_spawn(make_strand(io_.get_executor()), std::move(work), [&](std::exception_ptr thrown) { error = thrown; });
        io_.restart();
        {
            const std::jthread second([this] { io_.run(); });
            io_.run();
        }
        if (error) std::rethrow_exception(error);
        return outcomes;
    }
    Outcome run(ExecRequest request, StopToken stop = {}) { return run_all({std::move(request)}, stop).front(); }
    Outcome run(std::string command) {
        ExecRequest request;
        request.command = std::move(command);
        return run(std::move(request));
    }

    /// The numbers of a line that a command writes to the FIFO; none where it does not come within a minute.
    std::vector<long> numbers() const {
        std::string text;
        pollfd wait{descriptor_, POLLIN, 0};
        char letter = 0;
        while (letter != '\n' && ::poll(&wait, 1, 60'000) == 1 && ::read(descriptor_, &letter, 1) == 1) text += letter;
        std::istringstream words(text);
        std::vector<long> found;
        for (long number = 0; words >> number;) found.push_back(number);
        return found;
    }

    tests::Folder folder;
    std::string fifo = folder.path("fifo");

private:
    asio::io_context io_;
    std::unique_ptr<LocalShell> shell_;
    int descriptor_ = -1;
};

/// Waits until the process is gone or a zombie; false where it is still there after a minute.
bool ends(long pid) {
    for (int i = 0; i < 6000; ++i) {
        std::ostringstream text;
        text << std::ifstream("/proc/" + std::to_string(pid) + "/stat").rdbuf();
        const auto stat = text.str();
        const auto end = stat.rfind(')');
        if (end == stat.npos || stat.size() < end + 3 || stat[end + 2] == 'Z') return true;
        ::poll(nullptr, 0, 10);
    }
    return false;
}

} // namespace

TEST_CASE("a local command's result is what its shell says") {
    struct Row {
        std::string command;
        NodeState state;
        std::optional<int> status;
        std::string signal, out, err;
    };
    const auto row = GENERATE(values<Row>({
        {"true", NodeState::ok, 0, "", "", ""},
        {"exit 3", NodeState::failed, 3, "", "", ""},
        {"printf out; printf err >&2", NodeState::ok, 0, "", "out", "err"},
        {"kill -TERM $$", NodeState::failed, std::nullopt, "TERM", "", ""},
        {"cat", NodeState::ok, 0, "", "", ""},
        {"echo \"it's one argument; $0\"", NodeState::ok, 0, "", "it's one argument; /bin/sh\n", ""},
    }));
    CAPTURE(row.command);
    LocalShellRig rig;
    const auto outcome = rig.run(row.command);
    CHECK(outcome.state == row.state);
    CHECK(outcome.exit_status == row.status);
    CHECK(outcome.exit_signal == row.signal);
    CHECK(outcome.out.text == row.out);
    CHECK(outcome.err.text == row.err);
}

TEST_CASE("a local command's output beyond the cap is counted, not kept") {
    LocalShellRig rig;
    const auto outcome = rig.run("head -c 3000000 /dev/zero | tr '\\0' x");
    CHECK(outcome.state == NodeState::ok);
    CHECK(outcome.out.text == std::string(limits::output_bytes, 'x'));
    CHECK(outcome.out.dropped_bytes == 3'000'000 - limits::output_bytes);
}

TEST_CASE("what is kept of a local command's output is heard as it comes") {
    LocalShellRig rig;
    std::string out, err;
    ExecRequest request;
    request.command = "echo first; read -r go <" + rig.fifo + "; echo $go; echo err >&2; head -c 1500000 /dev/zero";
    request.output = std::make_shared<OutputBuffer>([&](bool to_err, std::string_view bytes) {
        (to_err ? err : out) += bytes;
        if (out == "first\n") std::ofstream(rig.fifo) << "heard" << std::endl;
    });
    const auto outcome = rig.run(request);
    CHECK(outcome.state == NodeState::ok);
    CHECK(out.starts_with("first\nheard\n"));
    CHECK(out == outcome.out.text);
    CHECK(err == "err\n");
}

TEST_CASE("a local command inherits no descriptor but its own three") {
    LocalShellRig rig;
    // `ls` itself opens the folder that it lists, as the fourth.
    CHECK(rig.run("ls /proc/self/fd | wc -l").out.text == "4\n");
}

TEST_CASE("a local command leads a process group of its own") {
    LocalShellRig rig;
    CHECK(rig.run("read -r a b c d group rest </proc/$$/stat; [ $group = $$ ] && echo leads").out.text == "leads\n");
}

TEST_CASE("a stop ends a local command with its children") {
    LocalShellRig rig;
    const StopToken stop;
    std::vector<long> processes;
    ExecRequest request;
    request.command = "sleep 1000 & echo $$ $! >" + rig.fifo + "; wait";
    const std::jthread stopper([&] {
        processes = rig.numbers();
        stop.request(StopReason::cancelled);
    });
    const auto outcome = rig.run(request, stop);
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.exit_signal == "TERM");
    REQUIRE(processes.size() == 2);
    for (const auto pid : processes) CHECK(ends(pid));
}

TEST_CASE("a local command that ignores TERM is killed after the grace") {
    LocalShellRig rig;
    const StopToken stop;
    std::vector<long> processes;
    ExecRequest request;
    request.command = "trap '' TERM; echo $$ >" + rig.fifo + "; while :; do sleep 1000; done";
    request.timeout.grace = 200ms;
    const std::jthread stopper([&] {
        processes = rig.numbers();
        stop.request(StopReason::shutdown);
    });
    const auto outcome = rig.run(request, stop);
    CHECK(outcome.state == NodeState::interrupted);
    CHECK(outcome.exit_signal == "KILL");
    REQUIRE(processes.size() == 1);
    CHECK(ends(processes[0]));
}

TEST_CASE("a local command has its deadlines") {
    LocalShellRig rig;
    ExecRequest request;
    request.command = "sleep 1000";
    request.timeout.command = 200ms;
    CHECK(rig.run(request).state == NodeState::timed_out);
    request.timeout.command = 0ms;
    request.timeout.idle = 200ms;
    CHECK(rig.run(request).state == NodeState::timed_out);
}

TEST_CASE("local commands take turns when there are fewer workers") {
    LocalShellRig rig(1);
    ExecRequest request;
    // Whoever finds the folder already there ran beside another.
    request.command = "mkdir " + rig.fifo + ".lock && sleep 0.05 && rmdir " + rig.fifo + ".lock";
    const auto outcomes = rig.run_all({request, request, request});
    for (const auto& outcome : outcomes) CHECK(outcome.state == NodeState::ok);
}

TEST_CASE("a local command that waits for its turn is ended by a stop") {
    LocalShellRig rig(1);
    const StopToken stop;
    ExecRequest request;
    request.command = "echo $$ >" + rig.fifo + "; exec sleep 1000";
    const std::jthread stopper([&] {
        (void)rig.numbers();
        stop.request(StopReason::cancelled);
    });
    const auto outcomes = rig.run_all({request, request}, stop);
    for (const auto& outcome : outcomes) CHECK(outcome.state == NodeState::cancelled);
}
