#include "app/worker/process.hpp"

#include "app/worker/launcher.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace loom {
namespace {

struct Ends {
    Descriptor near, far;
};

Error not_started(const char* what, int number) { return {Errc::failed, fmt::format("{}: {}", what, std::strerror(number))}; }

Result<Ends> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return not_started("pipe", errno);
    return Ends{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<Ends> make_channel() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return not_started("socketpair", errno);
    return Ends{Descriptor(ends[0]), Descriptor(ends[1])};
}

int spawn_launcher(pid_t& pid, const std::string& program, int out, int err, int channel) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_adddup2(&actions, channel, 3);
    posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::string name(launcher_name);
    char* words[] = {name.data(), nullptr};
    char* environment[] = {nullptr};
    const int failed = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

} // namespace

Result<WorkerProcess> start_launcher(const std::string& program) {
    auto out = make_pipe();
    auto err = make_pipe();
    auto channel = make_channel();
    for (const auto* ends : {&out, &err, &channel})
        if (!*ends) return ends->error();
    WorkerProcess process;
    if (const int number = spawn_launcher(process.pid, program, out->far.number(), err->far.number(), channel->far.number()); number != 0)
        return not_started("starting a worker", number);
    process.ended = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    if (!process.ended) {
        const int number = errno;
        ::kill(-process.pid, SIGKILL);
        while (::waitpid(process.pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        return not_started("watching a worker", number);
    }
    process.out = std::move(out->near);
    process.err = std::move(err->near);
    process.channel = std::move(channel->near);
    return process;
}

std::optional<int> reap(int pidfd) {
    siginfo_t info{};
    if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
        return std::nullopt;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

} // namespace loom
