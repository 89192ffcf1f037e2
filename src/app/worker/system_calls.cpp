#include "app/worker/system_calls.hpp"

#include <cerrno>
#include <cstring>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <memory>
#include <seccomp.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace loom {
namespace {

constexpr const char* forbidden[] = {
    // Other processes.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    // What the file system looks like, and handles that lead past it.
    "mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "open_tree_attr", "move_mount", "mount_setattr",
    "open_by_handle_at", "name_to_handle_at", "fanotify_init", "swapon", "swapoff", "quotactl", "quotactl_fd", "acct",
    // Namespaces, keys, the kernel itself.
    "unshare", "setns", "add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load", "init_module",
    "finit_module", "delete_module", "io_uring_setup", "io_uring_enter", "io_uring_register", "reboot", "syslog", "personality", "modify_ldt", "iopl",
    "ioperm", "lookup_dcookie", "uselib", "nfsservctl", "vhangup", "sethostname", "setdomainname", "memfd_secret",
    // What no process holds, so that it would outlive the worker.
    "shmget", "semget", "msgget",
    // The clock.
    "settimeofday", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime", "clock_adjtime64",
};

constexpr scmp_datum_t namespace_flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
/// These reach other processes of the same user: without namespaces the daemon itself, where that is no root's.
constexpr const char* forbidden_to_others[] = {"prlimit64", "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"};
constexpr int open_tree_attr = 467; ///< on every machine; libseccomp before 2.6 has no name for it
constexpr scmp_datum_t families_most = 63; ///< of sockets: the kernel has fewer

struct Release {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};

/// Collects the first failure; libseccomp returns a negative errno.
class Filter {
public:
    Filter() : filter_(::seccomp_init(SCMP_ACT_ALLOW)) {}

    void forbid(const char* name, int number, std::initializer_list<scmp_arg_cmp> when = {}) {
        const int call = ::seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR) return; // newer than the library: a kernel with it has what stands here for it, too
        forbid(call, number, when);
    }

    void forbid(int call, int number, std::initializer_list<scmp_arg_cmp> when = {}) {
        note(::seccomp_rule_add_array(filter_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(number)), call, static_cast<unsigned>(when.size()), when.begin()));
    }

    Result<void> load() {
        if (filter_) note(::seccomp_load(filter_.get()));
        else note(-ENOMEM);
        if (failure_ == 0) return {};
        return Error{Errc::failed, fmt::format("seccomp: {}", std::strerror(-failure_))};
    }

private:
    void note(int result) {
        // A call that this machine has not got cannot be made.
        if (result < 0 && result != -EDOM && failure_ == 0) failure_ = result;
    }

    std::unique_ptr<void, Release> filter_;
    int failure_ = 0;
};

/// What a process does to itself stays allowed: its first argument is zero then.
void forbid_reach(Filter& filter) {
    for (const auto* name : forbidden_to_others) filter.forbid(name, EPERM, {SCMP_A0_64(SCMP_CMP_NE, 0, 0)});
    // Of a group or a user, zero is not this process alone.
    filter.forbid("setpriority", EPERM, {SCMP_A0_64(SCMP_CMP_NE, PRIO_PROCESS, 0)});
    filter.forbid("setpriority", EPERM, {SCMP_A1_64(SCMP_CMP_NE, 0, 0)});
    filter.forbid("ioprio_set", EPERM, {SCMP_A0_64(SCMP_CMP_NE, IOPRIO_WHO_PROCESS, 0)});
    filter.forbid("ioprio_set", EPERM, {SCMP_A1_64(SCMP_CMP_NE, 0, 0)});
}

void forbid_sockets(Filter& filter, bool network) {
    // A pair is a way between processes of one worker; one of datagrams could be sent to any address.
    filter.forbid("socketpair", EACCES, {SCMP_A0_64(SCMP_CMP_NE, AF_UNIX, 0)});
    for (scmp_datum_t type = 0; type <= 0xf; ++type)
        if (type != SOCK_STREAM) filter.forbid("socketpair", EACCES, {SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xf, type)});
    if (!network) {
        filter.forbid("socket", EACCES);
        return;
    }
    // getaddrinfo(3) asks the kernel by netlink which addresses this host has.
    for (scmp_datum_t family = 0; family <= families_most; ++family)
        if (family != AF_INET && family != AF_INET6 && family != AF_NETLINK) filter.forbid("socket", EACCES, {SCMP_A0_64(SCMP_CMP_EQ, family, 0)});
    filter.forbid("socket", EACCES, {SCMP_A0_64(SCMP_CMP_GT, families_most, 0)});
}

} // namespace

Result<void> forbid_system_calls(bool network) {
    Filter filter;
    for (const auto* name : forbidden) filter.forbid(name, EPERM);
    if (::seccomp_syscall_resolve_name("open_tree_attr") == __NR_SCMP_ERROR) filter.forbid(open_tree_attr, EPERM);
    forbid_reach(filter);
    // A filter cannot see what clone3 is asked for; without it the C library takes clone.
    filter.forbid("clone3", ENOSYS);
    for (const auto flag : namespace_flags) filter.forbid("clone", EPERM, {SCMP_A0_64(SCMP_CMP_MASKED_EQ, flag, flag)});
    forbid_sockets(filter, network);
    return filter.load();
}

bool system_calls_can_be_forbidden() { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 && ::seccomp_api_get() >= 1; }

} // namespace loom
