#include "app/worker/launcher.hpp"

#include "app/worker/confinement.hpp"
#include "app/worker/frames.hpp"
#include "app/worker/limits.hpp"
#include "core/run/json.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr int channel_number = 3;
constexpr int exit_refused = 125;

volatile std::sig_atomic_t asked_to_end = 0;
void ask_to_end(int) { asked_to_end = 1; }

bool read_exactly(char* into, std::size_t size) {
    while (size > 0) {
        const auto n = ::read(channel_number, into, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        into += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

/// Not a byte more than its frame: what follows is the worker's.
Result<LaunchOrder> read_order() {
    std::string head(4, '\0');
    if (!read_exactly(head.data(), head.size())) return usage_error("the daemon is gone");
    std::size_t size = 0;
    for (const char c : head) size = size << 8 | static_cast<unsigned char>(c);
    if (size == 0 || size > worker_limits::frame_bytes) return usage_error("this is no order to start a worker");
    std::string body(size, '\0');
    if (!read_exactly(body.data(), body.size())) return usage_error("the daemon is gone");
    boost::system::error_code ec;
    const auto order = boost::json::parse(body, ec);
    if (ec) return usage_error("this is no order to start a worker");
    return from_json<LaunchOrder>(order);
}

void tell_daemon(const boost::json::object& message) {
    auto frame = to_frame(boost::json::serialize(message));
    for (std::string_view rest = frame; !rest.empty();) {
        const auto n = ::send(channel_number, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
}

[[noreturn]] void refuse(const std::string& why) {
    tell_daemon({{"type", "refused"}, {"message", why}});
    ::_exit(exit_refused);
}

int status_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/// Dies with the process that started it; that may have happened before this was said.
void die_with_parent(int number, int alive) {
    ::prctl(PR_SET_PDEATHSIG, number, 0, 0, 0);
    pollfd parent{alive, 0, 0};
    if (::poll(&parent, 1, 0) == 1 && (parent.revents & (POLLHUP | POLLERR)) != 0) ::_exit(exit_refused);
}

/// Where memory runs out, the kernel ends the worker rather than the daemon. What starts a process may have forbidden even that; then
/// it chooses as ever.
void be_ended_first() {
    std::ofstream("/proc/self/oom_score_adj") << 1000;
}

/// From here to the program of the worker.
class Starting {
public:
    Starting(LaunchOrder& order, OwnPlace own, bool namespaces, int host_processes)
        : order_(order), own_(std::move(own)), user_(worker_user(order)), namespaces_(namespaces), host_processes_(host_processes) {}

    [[noreturn]] void go() {
        // What the kernel calls this process outside of its namespace, so that the daemon can look at it.
        char link[32] = {};
        const auto length = ::readlinkat(host_processes_, "self", link, sizeof link - 1);
        const auto pid = length > 0 ? std::strtol(link, nullptr, 10) : 0;
        Layers layers;
        for (const int number : {SIGTERM, SIGUSR1, SIGCHLD, SIGPIPE, SIGXFSZ, SIGINT, SIGHUP}) std::signal(number, SIG_DFL);
        auto environment = variables();
        if (auto confined = confine(order_, own_, user_, namespaces_, layers); !confined) refuse(confined.error().message);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); // a change of the user takes it back
        if (::chdir(own_.temp.c_str()) != 0) refuse("the temporary folder: " + std::string(std::strerror(errno)));
        tell_daemon({{"type", "sandbox"}, {"pid", pid}, {"layers", boost::json::value_from(layers.held)}, {"missing", boost::json::value_from(layers.missing)}});
        std::vector<char*> words, named;
        for (auto& word : order_.command) words.push_back(word.data());
        words.push_back(nullptr);
        for (auto& variable : environment) named.push_back(variable.data());
        named.push_back(nullptr);
        ::close_range(channel_number + 1, ~0u, 0);
        bound_memory(order_);
        ::execve(words[0], words.data(), named.data());
        refuse(fmt::format("{} cannot be run: {}", order_.command[0], std::strerror(errno)));
    }

private:
    /// Nothing of the daemon's own.
    std::vector<std::string> variables() const {
        std::map<std::string, std::string> all{{"PATH", program_folders}, {"LANG", "C.UTF-8"}, {"LC_ALL", "C.UTF-8"}};
        for (const auto& [name, value] : order_.env) all[name] = value;
        all["HOME"] = all["TMPDIR"] = own_.temp;
        all["LOOM_WORKER_FD"] = std::to_string(channel_number);
        if (order_.python) {
            std::string path = own_.python;
            for (const auto& folder : order_.paths) path += ":" + folder;
            all["PYTHONPATH"] = path;
        }
        std::vector<std::string> variables;
        for (const auto& [name, value] : all) variables.push_back(name + "=" + value);
        return variables;
    }

    LaunchOrder& order_;
    OwnPlace own_;
    WorkerUser user_;
    bool namespaces_;
    int host_processes_;
};

/// Lets go of the worker's descriptors, so that they close when the worker does; one of the others may be kept.
void let_go(int kept = -1) {
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd < channel_number; ++fd) ::dup2(nothing, fd);
    ::dup2(kept < 0 ? nothing : kept, channel_number);
    ::close_range(channel_number + 1, ~0u, 0);
}

/// In a process namespace the one with which all others end.
[[noreturn]] void first_process(LaunchOrder& order, int alive, int host_processes) {
    die_with_parent(SIGKILL, alive);
    auto own = build_view(order, worker_user(order).uid);
    if (!own) refuse(own.error().message);
    const auto worker = ::fork();
    if (worker < 0) refuse("fork: " + std::string(std::strerror(errno)));
    if (worker == 0) Starting(order, std::move(*own), true, host_processes).go();
    let_go();
    for (;;) {
        int status = 0;
        const auto ended = ::waitpid(-1, &status, 0);
        if (ended == worker) ::_exit(status_code(status));
        if (ended < 0 && errno != EINTR) ::_exit(exit_refused);
    }
}

/// The children of this process, as /proc shows them.
std::vector<pid_t> own_children() {
    std::vector<pid_t> found;
    std::error_code ec;
    for (fs::directory_iterator entry("/proc", ec), end; !ec && entry != end; entry.increment(ec)) {
        std::string text;
        std::getline(std::ifstream(entry->path() / "stat"), text);
        const auto name_end = text.rfind(')');
        if (name_end == std::string::npos || text.size() < name_end + 4) continue;
        if (std::strtol(text.c_str() + name_end + 4, nullptr, 10) == ::getpid()) found.push_back(static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10)));
    }
    return found;
}

/// Ends everything below this process: whose parent dies becomes its own child (PR_SET_CHILD_SUBREAPER), and is met in the next round.
void end_the_rest() {
    for (;;) {
        for (const auto child : own_children()) ::kill(child, SIGKILL);
        int status = 0;
        if (::waitpid(-1, &status, 0) < 0 && errno == ECHILD) return;
    }
}

/// The worker's parent until the worker, or its namespace's first process, has ended.
int watch_over(pid_t child, bool namespaces) {
    // A signal that comes between the look and the wait would be missed: it stays blocked but for the wait.
    sigset_t ending, before;
    sigemptyset(&ending);
    sigaddset(&ending, SIGUSR1);
    sigaddset(&ending, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ending, &before);
    int code = exit_refused;
    for (;;) {
        int status = 0;
        const auto ended = ::waitpid(-1, &status, WNOHANG);
        if (ended == child) {
            code = status_code(status);
            break;
        }
        if (ended < 0 && errno == ECHILD) break;
        if (ended > 0) continue;
        if (asked_to_end) {
            ::kill(child, SIGKILL);
            asked_to_end = 0;
        }
        sigsuspend(&before);
    }
    if (!namespaces) end_the_rest();
    return code;
}

} // namespace

int launch_worker() {
    struct sigaction action {};
    action.sa_handler = ask_to_end;
    ::sigaction(SIGUSR1, &action, nullptr);
    action.sa_handler = [](int) {}; // wakes the wait
    ::sigaction(SIGCHLD, &action, nullptr);
    std::signal(SIGTERM, SIG_IGN); // it is for the worker, and comes to the group
    die_with_parent(SIGUSR1, channel_number);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    auto order = read_order();
    if (!order) refuse(order.error().message);
    if (order->command.empty()) refuse("there is no program to run");
    if (order->sandbox)
        if (auto possible = check_sandbox(); !possible) refuse(possible.error().message);
    auto program = find_program(order->command[0]);
    if (!program) refuse(program.error().message);
    for (auto& path : installation_of(*program)) order->read.push_back(std::move(path));
    order->command[0] = std::move(*program);

    const int host_processes = ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const bool namespaces = order->sandbox && namespaces_work(*order);
    OwnPlace own;
    std::string folder;
    if (namespaces) {
        if (auto entered = enter_namespaces(*order); !entered) refuse(entered.error().message);
    } else {
        auto made = make_place(*order, worker_user(*order).uid);
        if (!made) refuse(made.error().message);
        own = std::move(*made);
        folder = fs::path(own.temp).parent_path().string();
    }
    int alive[2] = {-1, -1};
    if (::pipe2(alive, O_CLOEXEC) != 0) refuse("pipe: " + std::string(std::strerror(errno)));
    const auto child = ::fork();
    if (child < 0) refuse("fork: " + std::string(std::strerror(errno)));
    if (child == 0) {
        ::close(alive[0]);
        be_ended_first();
        if (namespaces) first_process(*order, alive[1], host_processes);
        die_with_parent(SIGKILL, alive[1]);
        Starting(*order, std::move(own), false, host_processes).go();
    }
    let_go(alive[0]); // whose other end tells that this process lives
    const int code = watch_over(child, namespaces);
    std::error_code ec;
    if (!folder.empty()) fs::remove_all(folder, ec);
    return code;
}

} // namespace loom
