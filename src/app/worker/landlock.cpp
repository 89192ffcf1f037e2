#include "app/worker/landlock.hpp"

#include "app/worker/frames.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace loom {
namespace {

// Of linux/landlock.h, written out: the header of Debian 12 knows two of the seven versions.
constexpr std::uint64_t fs_execute = 1, fs_write_file = 1 << 1, fs_read_file = 1 << 2, fs_read_dir = 1 << 3;
constexpr std::uint64_t fs_first_version = (1 << 13) - 1; ///< from execute to make_sym
constexpr std::uint64_t fs_refer = 1 << 13, fs_truncate = 1 << 14, fs_ioctl_dev = 1 << 15; ///< of versions 2, 3 and 5
constexpr std::uint64_t net_bind_tcp = 1, net_connect_tcp = 1 << 1;                        ///< version 4
constexpr std::uint64_t scope_abstract_unix_socket = 1, scope_signal = 1 << 1;             ///< version 6
constexpr std::uint64_t for_files = fs_execute | fs_write_file | fs_read_file | fs_truncate | fs_ioctl_dev;
constexpr unsigned version_flag = 1;
constexpr int rule_path_beneath = 1;

struct RulesetAttribute {
    std::uint64_t handled_fs = 0, handled_net = 0, scoped = 0;
};

struct __attribute__((packed)) PathBeneath {
    std::uint64_t allowed = 0;
    std::int32_t parent = -1;
};

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

std::uint64_t handled_fs(int version) {
    auto all = fs_first_version;
    if (version >= 2) all |= fs_refer;
    if (version >= 3) all |= fs_truncate;
    if (version >= 5) all |= fs_ioctl_dev;
    return all;
}

Error landlock_error(const std::string& what) { return {Errc::failed, fmt::format("landlock: {}: {}", what, std::strerror(errno))}; }

Result<void> allow_beneath(int ruleset, const std::string& path, std::uint64_t rights) {
    const Descriptor file(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return {}; // what it cannot reach anyway
        return landlock_error(path);
    }
    struct stat found {};
    if (::fstat(file.number(), &found) != 0) return landlock_error(path);
    PathBeneath rule;
    rule.allowed = S_ISDIR(found.st_mode) ? rights : rights & for_files;
    rule.parent = file.number();
    if (::syscall(SYS_landlock_add_rule, ruleset, rule_path_beneath, &rule, 0) != 0) return landlock_error(path);
    return {};
}

} // namespace

int landlock_version() {
    const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, version_flag);
    return version > 0 ? static_cast<int>(version) : 0;
}

Result<void> confine_to(const LandlockRules& rules) {
    const int version = landlock_version();
    RulesetAttribute attribute;
    attribute.handled_fs = handled_fs(version);
    if (version >= 4 && !rules.network) attribute.handled_net = net_bind_tcp | net_connect_tcp;
    if (version >= 6) attribute.scoped = scope_abstract_unix_socket | scope_signal;
    const Descriptor ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attribute, sizeof attribute, 0)));
    if (!ruleset) return landlock_error("this kernel has none");
    const auto all = attribute.handled_fs;
    for (const auto& path : rules.read)
        if (auto added = allow_beneath(ruleset.number(), path, fs_execute | fs_read_file | fs_read_dir); !added) return added;
    for (const auto& path : rules.write)
        if (auto added = allow_beneath(ruleset.number(), path, all); !added) return added;
    for (const auto& path : rules.devices)
        if (auto added = allow_beneath(ruleset.number(), path, (fs_read_file | fs_write_file | fs_truncate | fs_ioctl_dev) & all); !added) return added;
    if (::syscall(SYS_landlock_restrict_self, ruleset.number(), 0) != 0) return landlock_error("restricting");
    return {};
}

} // namespace loom
