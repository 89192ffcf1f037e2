#include "app/process/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace loom {
namespace {

Error system_error(const char* what, int number) {
    return {Errc::failed, std::string(what) + ": " + std::strerror(number)};
}

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

int spawn(pid_t& pid, const std::string& line, int out, int err) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    char shell[] = "/bin/sh", option[] = "-c";
    std::string text = line;
    char* arguments[] = {shell, option, text.data(), nullptr};
    const int failed = ::posix_spawn(&pid, shell, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

} // namespace

Result<Child> start_shell(const std::string& line) {
    Pipe out, err;
    if (!out.open() || !err.open()) return system_error("a pipe for the local command", errno);
    Child child;
    if (const int failed = spawn(child.pid, line, out.write, err.write); failed != 0)
        return system_error("starting /bin/sh", failed);
    child.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0));
    if (child.pidfd < 0) {
        const int number = errno;
        ::kill(-child.pid, SIGKILL);
        return system_error("watching the local command", number);
    }
    std::swap(child.out, out.read);
    std::swap(child.err, err.read);
    return child;
}

} // namespace loom
