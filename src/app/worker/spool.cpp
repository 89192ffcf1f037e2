#include "app/worker/spool.hpp"

#include "app/store/file.hpp"
#include "app/worker/limits.hpp"
#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/magic.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_bytes = 256u << 10;
/// That a copy leaves free on the spool's file system, or a tenth of it where that is less: the ledger may be there, too.
constexpr std::uint64_t left_free_bytes = 1u << 30;

/// The kernel makes up these files as they are read, and looks then at the rights of who reads.
constexpr std::uint64_t made_up[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
                                     SECURITYFS_MAGIC, SELINUX_MAGIC, SMACK_MAGIC, BPF_FS_MAGIC, PSTOREFS_MAGIC, EFIVARFS_MAGIC, NSFS_MAGIC};

Error spool_error(std::string_view what, int number) { return {Errc::failed, fmt::format("{}: {}", what, std::strerror(number))}; }

Result<void> write_bytes_at(int to, std::string_view bytes, off_t at) {
    while (!bytes.empty()) {
        const auto n = ::pwrite(to, bytes.data(), bytes.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return spool_error("writing", errno);
        bytes.remove_prefix(static_cast<std::size_t>(n));
        at += n;
    }
    return {};
}

/// Returns how much it was.
Result<std::uint64_t> copy_file(int from, int to, std::uint64_t most) {
    std::string block(block_bytes, '\0');
    std::uint64_t done = 0;
    for (;;) {
        const auto n = ::pread(from, block.data(), block.size(), static_cast<off_t>(done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return spool_error("reading", errno);
        if (n == 0) return done;
        if (done + static_cast<std::uint64_t>(n) > most) return Error{Errc::failed, "more than " + size_words(most)};
        if (auto written = write_bytes_at(to, std::string_view(block).substr(0, static_cast<std::size_t>(n)), static_cast<off_t>(done)); !written)
            return written.error();
        done += static_cast<std::uint64_t>(n);
    }
}

Result<void> check_regular(const Descriptor& file, bool to_write) {
    struct stat status {};
    const int flags = ::fcntl(file.number(), F_GETFL);
    if (flags < 0 || ::fstat(file.number(), &status) != 0) return spool_error("the descriptor", errno);
    if (!S_ISREG(status.st_mode) || (flags & O_PATH) != 0) return Error{Errc::failed, "the descriptor is not one of an open regular file"};
    struct statfs system {};
    if (::fstatfs(file.number(), &system) != 0) return spool_error("the descriptor", errno);
    if (std::ranges::find(made_up, static_cast<std::uint64_t>(system.f_type)) != std::end(made_up))
        return Error{Errc::failed, "the descriptor is one of the kernel's own files; copy it first"};
    const int access = flags & O_ACCMODE;
    if (to_write && (access == O_RDONLY || (flags & O_APPEND) != 0)) return Error{Errc::failed, "the descriptor is not open for writing"};
    if (!to_write && access == O_WRONLY) return Error{Errc::failed, "the descriptor is not open for reading"};
    return {};
}

/// A file with holes takes its whole size once it is copied.
Result<void> check_room(const Descriptor& from, const Descriptor& to, std::uint64_t most) {
    struct stat status {};
    struct statvfs space {};
    if (::fstat(from.number(), &status) != 0 || ::fstatvfs(to.number(), &space) != 0) return spool_error("the spool", errno);
    const auto needed = std::min(static_cast<std::uint64_t>(status.st_size), most);
    const auto kept = std::min(left_free_bytes, static_cast<std::uint64_t>(space.f_blocks) * space.f_frsize / 10);
    if (static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize < needed + kept) return spool_error("the spool", ENOSPC);
    return {};
}

Result<Descriptor> new_file(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    // A put without a mode of its own takes this one, whatever this process's umask is.
    if (!file || ::fchmod(file.number(), 0644) != 0) return spool_error(path, errno);
    return file;
}

/// What processes that are gone have left.
void sweep_spool(const std::string& top) {
    std::error_code ec;
    std::vector<fs::path> locks;
    for (fs::directory_iterator entry(top, ec), end; !ec && entry != end; entry.increment(ec))
        if (entry->path().extension() == ".lock") locks.push_back(entry->path());
    for (const auto& path : locks) {
        const auto lock = FileLock::try_take(path.string());
        if (!lock) continue;
        auto folder = path;
        std::error_code ignored;
        fs::remove_all(folder.replace_extension(), ignored);
        lock->remove();
    }
}

} // namespace

Result<std::shared_ptr<Spool>> Spool::open(const std::string& state_dir) {
    const auto top = state_dir + "/spool";
    if (auto made = loom::make_folder(top); !made) return made.error();
    sweep_spool(top);
    const auto folder = top + "/" + random_hex(8);
    auto lock = FileLock::try_take(folder + ".lock");
    if (!lock) return lock.error();
    if (auto made = loom::make_folder(folder); !made) return made.error();
    return std::shared_ptr<Spool>(new Spool(folder, std::move(*lock)));
}

Spool::~Spool() {
    remove(folder_);
    lock_.remove();
}

Result<std::string> Spool::make_folder() {
    auto folder = folder_ + "/" + random_hex(8);
    if (auto made = loom::make_folder(folder); !made) return made.error();
    return folder;
}

void Spool::remove(const std::string& folder) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

Result<void> spool_bytes(const std::string& file, std::string_view bytes) {
    const auto made = new_file(file);
    if (!made) return made.error();
    return write_bytes_at(made->number(), bytes, 0);
}

Result<void> spool_file(const std::string& file, const Descriptor& from, std::uint64_t most) {
    if (auto good = check_regular(from, false); !good) return good;
    const auto made = new_file(file);
    if (!made) return made.error();
    if (auto room = check_room(from, *made, most); !room) return room;
    const auto copied = copy_file(from.number(), made->number(), most);
    if (!copied) return copied.error();
    return {};
}

Result<Fetched> take_fetched(const std::string& folder, const Descriptor& into) {
    std::error_code ec;
    const fs::directory_iterator entry(folder, ec);
    if (ec || entry == fs::directory_iterator()) return Error{Errc::failed, "nothing was fetched"};
    const Descriptor file(::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.number(), &status) != 0) return spool_error("what was fetched", errno);
    if (!S_ISREG(status.st_mode)) return Error{Errc::failed, "it is not a file"};
    Fetched fetched;
    fetched.size = static_cast<std::uint64_t>(status.st_size);
    if (into) {
        if (auto good = check_regular(into, true); !good) return good.error();
        const auto copied = copy_file(file.number(), into.number(), worker_limits::spool_file_bytes);
        if (!copied) return copied.error();
        return fetched;
    }
    if (fetched.size > worker_limits::inline_bytes) return Error{Errc::failed, "more than 1 MiB: a descriptor has to take it"};
    fetched.bytes.resize(fetched.size);
    for (std::size_t done = 0; done < fetched.size;) {
        const auto n = ::pread(file.number(), fetched.bytes.data() + done, fetched.size - done, static_cast<off_t>(done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return spool_error("reading", n == 0 ? EIO : errno);
        done += static_cast<std::size_t>(n);
    }
    return fetched;
}

} // namespace loom
