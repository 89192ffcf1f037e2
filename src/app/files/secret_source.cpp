#include "app/files/secret_source.hpp"

#include "app/files/text_file.hpp"
#include "core/base/limits.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <spdlog/fmt/fmt.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace loom {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

Error wrong(std::string message) { return {Errc::config, std::move(message)}; }

Secret without_line_end(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return Secret(std::move(text));
}

Result<Secret> from_file(const std::string& path) {
    auto file = read_text_file(path, limits::secret_bytes);
    if (!file) return file.error();
    if (file->others_can_read) return wrong(fmt::format("the secret file {} can be read by others: chmod 600 {}", path, path));
    return without_line_end(std::move(file->text));
}

Result<Secret> from_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    if (!value) return wrong(fmt::format("the environment variable {} is not set", name));
    return Secret(value);
}

/// A child in its own process group. If it was not reaped, its end is forced.
class Child {
public:
    ~Child() {
        if (out >= 0) ::close(out);
        if (pid > 0) {
            ::kill(-pid, SIGKILL);
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
        }
    }
    Child() = default;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid = -1;
    int out = -1; ///< the reading end of its standard output
};

/// Starts the program; returns an errno.
int start(const std::vector<std::string>& words, Child& child) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return errno;
    child.out = pipe[0];
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int error = ::posix_spawnp(&child.pid, argv[0], &actions, &attributes, argv.data(), environ);
    if (error != 0) child.pid = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    return error;
}

bool readable_before(int fd, SteadyTime deadline) {
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        pollfd wait{fd, POLLIN, 0};
        const int n = ::poll(&wait, 1, left > 0 ? static_cast<int>(left) : 0);
        if (n > 0) return true;
        if (n == 0 && left <= 0) return false;
        if (n < 0 && errno != EINTR) return false;
    }
}

/// The child's exit status, or nothing when it has not ended by the deadline.
std::optional<int> reap(Child& child, SteadyTime deadline) {
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0));
    const bool ended = pidfd >= 0 && readable_before(pidfd, deadline);
    if (pidfd >= 0) ::close(pidfd);
    if (!ended) return std::nullopt;
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0)
        if (errno != EINTR) return std::nullopt;
    child.pid = -1;
    return status;
}

} // namespace

Result<Secret> read_command_secret(const std::vector<std::string>& words, std::chrono::milliseconds most) {
    const auto& program = words.front();
    const auto deadline = std::chrono::steady_clock::now() + most;
    const Error late = wrong(fmt::format("the secret command {} took longer than {} s", program, static_cast<double>(most.count()) / 1000));
    Child child;
    if (const int error = start(words, child); error != 0)
        return wrong(fmt::format("the secret command {} cannot be started: {}", program, std::strerror(error)));
    std::string text;
    for (;;) {
        if (!readable_before(child.out, deadline)) return late;
        char block[4096];
        const auto n = ::read(child.out, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text.append(block, static_cast<std::size_t>(n));
        if (text.size() > limits::secret_bytes)
            return wrong(fmt::format("the secret command {} printed more than {} KiB", program, limits::secret_bytes >> 10));
    }
    const auto status = reap(child, deadline);
    if (!status) return late;
    if (WIFSIGNALED(*status)) return wrong(fmt::format("the secret command {} was ended by signal {}", program, WTERMSIG(*status)));
    if (WEXITSTATUS(*status) != 0) return wrong(fmt::format("the secret command {} exited with {}", program, WEXITSTATUS(*status)));
    return without_line_end(std::move(text));
}

Result<Secret> read_secret(const boost::json::object& source) {
    if (const auto* file = source.if_contains("file")) return from_file(std::string(file->as_string()));
    if (const auto* name = source.if_contains("env")) return from_environment(std::string(name->as_string()));
    std::vector<std::string> words;
    for (const auto& word : source.at("command").as_array()) words.emplace_back(word.as_string());
    return read_command_secret(words, limits::secret_command_time);
}

} // namespace loom
