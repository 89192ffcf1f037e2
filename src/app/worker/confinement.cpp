#include "app/worker/confinement.hpp"

#include "app/worker/landlock.hpp"
#include "app/worker/system_calls.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <grp.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {
namespace {

constexpr rlim_t open_files = 1024;
constexpr unsigned nobody = 65534;

Error not_confined(const std::string& what) { return {Errc::failed, fmt::format("{}: {}", what, std::strerror(errno))}; }

void bound_by(__rlimit_resource resource, std::uint64_t most) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return;
    if (limit.rlim_max == RLIM_INFINITY || most < limit.rlim_max) limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(resource, &limit);
}

/// How many threads this user has now, as far as /proc shows.
std::uint64_t threads_of(unsigned uid) {
    namespace fs = std::filesystem;
    std::uint64_t found = 0;
    std::error_code ec;
    for (fs::directory_iterator entry("/proc", ec), end; !ec && entry != end; entry.increment(ec)) {
        struct stat status {};
        if (::stat((entry->path() / "task").c_str(), &status) != 0 || status.st_uid != uid) continue;
        found += status.st_nlink > 2 ? status.st_nlink - 2 : 1;
    }
    return found;
}

/// The kernel counts processes by user, and in a user namespace anew: only a user that others are too must be counted first.
void bound_processes(const LaunchOrder& order, const WorkerUser& user, bool namespaces) {
    if (order.processes == 0) return;
    const bool shared = !user.own && !namespaces;
    if (shared && user.uid == 0) return; // root is not counted
    bound_by(RLIMIT_NPROC, order.processes + (shared ? threads_of(user.uid) : 0));
}

Result<void> become_user(const WorkerUser& user) {
    if (!user.own) return {};
    for (const unsigned uid : {user.uid, nobody}) // the second: where a container has few ids
        if (::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 && ::setresuid(uid, uid, uid) == 0) return {};
    return not_confined("becoming a user without rights");
}

LandlockRules rules_of(const LaunchOrder& order, const OwnPlace& own, bool namespaces) {
    LandlockRules rules;
    rules.read = system_files(order.network);
    for (const auto* list : {&order.read, &order.paths}) rules.read.insert(rules.read.end(), list->begin(), list->end());
    if (!own.python.empty()) rules.read.push_back(own.python);
    if (namespaces) rules.read.emplace_back("/proc"); // its own processes; else all of the host's would be there
    rules.write = {own.temp};
    rules.devices = device_files();
    rules.network = order.network;
    return rules;
}

} // namespace

WorkerUser worker_user(const LaunchOrder& order) {
    if (::geteuid() != 0 || !order.sandbox) return {::geteuid(), false};
    return {order.uid, true};
}

Result<void> check_sandbox() {
    if (landlock_version() == 0) return Error{Errc::failed, "this kernel has no Landlock (Linux 5.13 and later have, unless it is switched off by lsm=)"};
    if (!system_calls_can_be_forbidden()) return Error{Errc::failed, "this kernel has no seccomp filters"};
    return {};
}

Result<void> confine(const LaunchOrder& order, const OwnPlace& own, const WorkerUser& user, bool namespaces, Layers& layers) {
    bound_by(RLIMIT_CORE, 0);
    bound_by(RLIMIT_NOFILE, open_files);
    if (order.file_bytes > 0) bound_by(RLIMIT_FSIZE, order.file_bytes);
    if (order.cpu_seconds > 0) bound_by(RLIMIT_CPU, order.cpu_seconds);
    bound_processes(order, user, namespaces);
    layers.held.emplace_back("limits");
    if (!order.sandbox) {
        layers.missing.emplace_back("any other layer (isolation: none): its tasks run as the daemon's own user");
        return {};
    }
    if (auto become = become_user(user); !become) return become;
    if (user.own) layers.held.push_back(fmt::format("a user of its own ({})", ::geteuid()));
    else layers.missing.emplace_back("a user of its own (the daemon is not root)");
    if (namespaces) layers.held.push_back(order.network ? "namespaces" : "namespaces, without network");
    else layers.missing.emplace_back("namespaces (this host does not allow them)");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return not_confined("no_new_privs");
    layers.held.emplace_back("no_new_privs");
    if (auto confined = confine_to(rules_of(order, own, namespaces)); !confined) return confined;
    layers.held.push_back(fmt::format("landlock {}", landlock_version()));
    if (auto forbidden = forbid_system_calls(order.network); !forbidden) return forbidden;
    layers.held.emplace_back("seccomp");
    return {};
}

void bound_memory(const LaunchOrder& order) {
    if (order.memory_bytes > 0) bound_by(RLIMIT_AS, order.memory_bytes);
}

} // namespace loom
