#include "app/process/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace loom {
namespace {

Error system_error(int number) { return {Errc::failed, std::strerror(number)}; }

struct Pipe {
    int read = -1, write = -1;
    bool open() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return false;
        read = ends[0];
        write = ends[1];
        return true;
    }
    ~Pipe() {
        if (read >= 0) ::close(read);
        if (write >= 0) ::close(write);
    }
};

} // namespace

int spawn_group(pid_t& pid, const char* program, char* const* words, char* const* environment, std::span<const int> descriptors) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    int next = 1;
    for (const int descriptor : descriptors) posix_spawn_file_actions_adddup2(&actions, descriptor, next++);
    posix_spawn_file_actions_addclosefrom_np(&actions, next);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int failed = ::posix_spawnp(&pid, program, &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

int watch_group(pid_t pid) {
    const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (pidfd >= 0) return pidfd;
    const int number = errno;
    ::kill(-pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    errno = number;
    return -1;
}

Result<Child> start_child(std::span<const std::string> words) {
    Pipe out, err;
    if (!out.open() || !err.open()) return system_error(errno);
    Child child;
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const int ends[] = {out.write, err.write};
    if (const int failed = spawn_group(child.pid, arguments[0], arguments.data(), environ, ends); failed != 0) return system_error(failed);
    child.pidfd = watch_group(child.pid);
    if (child.pidfd < 0) return system_error(errno);
    std::swap(child.out, out.read);
    std::swap(child.err, err.read);
    return child;
}

Result<Child> start_shell(const std::string& line) {
    const std::vector<std::string> words{"/bin/sh", "-c", line};
    auto child = start_child(words);
    if (!child) return Error{Errc::failed, "starting /bin/sh: " + child.error().message};
    return child;
}

} // namespace loom
