#include "app/worker/process.hpp"

#include "app/process/child.hpp"
#include "app/worker/launcher.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
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

} // namespace

Result<WorkerProcess> start_launcher(const std::string& program) {
    auto out = make_pipe();
    auto err = make_pipe();
    auto channel = make_channel();
    for (const auto* ends : {&out, &err, &channel})
        if (!*ends) return ends->error();
    WorkerProcess process;
    std::string name(launcher_name);
    char* words[] = {name.data(), nullptr};
    char* environment[] = {nullptr};
    const int ends[] = {out->far.number(), err->far.number(), channel->far.number()};
    if (const int number = spawn_group(process.pid, program.c_str(), words, environment, ends); number != 0)
        return not_started("starting a worker", number);
    process.ended = Descriptor(watch_group(process.pid));
    if (!process.ended) return not_started("watching a worker", errno);
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
