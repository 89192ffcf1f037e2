#include "ssh/local_files.hpp"

#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "ssh/transfer_paths.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {
namespace {

constexpr int reading = O_RDONLY | O_CLOEXEC | O_NONBLOCK; // a FIFO by mistake must not hang a thread of the pool

Result<std::vector<std::string>> names_in(const std::string& folder) {
    std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), &::closedir);
    if (!open) return file_error("read", folder, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const auto* entry = ::readdir(open.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
        if (names.size() > limits::tree_entries) break;
        errno = 0;
    }
    if (errno != 0) return file_error("read", folder, errno);
    std::ranges::sort(names);
    return names;
}

Result<LocalEntry> entry_of(const std::string& path, const std::string& relative) {
    struct stat status {};
    // What was named outright is followed; `link/` too, as everywhere.
    const int code = relative.empty() ? ::stat(path.c_str(), &status) : ::lstat(path.c_str(), &status);
    if (code != 0) return file_error("read", path, errno);
    LocalEntry entry;
    entry.path = path;
    entry.relative = relative;
    entry.mode = status.st_mode & 0777;
    entry.stamp = FileStamp(status);
    if (S_ISREG(status.st_mode)) {
        entry.size = static_cast<std::uint64_t>(status.st_size);
    } else if (S_ISDIR(status.st_mode)) {
        entry.kind = LocalEntry::Kind::folder;
    } else if (S_ISLNK(status.st_mode)) {
        entry.kind = LocalEntry::Kind::link;
        std::array<char, 4096> text;
        const auto size = ::readlink(path.c_str(), text.data(), text.size());
        if (size < 0) return file_error("read", path, errno);
        entry.link.assign(text.data(), static_cast<std::size_t>(size));
    } else {
        entry.kind = LocalEntry::Kind::other;
    }
    return entry;
}

Result<void> list_into(std::vector<LocalEntry>& entries, const std::string& path, const std::string& relative, std::size_t depth) {
    auto entry = entry_of(path, relative);
    if (!entry) return entry.error();
    const bool folder = entry->kind == LocalEntry::Kind::folder;
    entries.push_back(std::move(*entry));
    if (entries.size() > limits::tree_entries)
        return usage_error(fmt::format("{} holds more than {} files", path, limits::tree_entries));
    if (!folder) return {};
    if (depth == limits::tree_depth) return usage_error(fmt::format("{} lies too deep", path));
    auto names = names_in(path);
    if (!names) return names.error();
    for (const auto& name : *names)
        if (auto done = list_into(entries, join_path(path, name), join_path(relative, name), depth + 1); !done) return done;
    return {};
}

Result<std::string> hash_open(const OpenFile& file, const std::string& name, const std::atomic<bool>& stop) {
    if (file.descriptor < 0) return file_error("read", name, errno);
    Sha256 hash;
    std::string bytes(limits::transfer_read_bytes, '\0');
    while (!stop) {
        const auto size = ::read(file.descriptor, bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return file_error("read", name, errno);
        if (size == 0) return hash.hex();
        hash.add(std::string_view(bytes.data(), static_cast<std::size_t>(size)));
    }
    return Error{Errc::failed, "given up"};
}

} // namespace

std::string expand_home(const std::string& path, const std::string& home) {
    if (path == "~") return home;
    return path.starts_with("~/") ? join_path(home, std::string_view(path).substr(2)) : path;
}

Result<std::vector<LocalEntry>> list_local(const std::string& source) {
    std::vector<LocalEntry> entries;
    if (auto done = list_into(entries, source, "", 0); !done) return done.error();
    return entries;
}

Result<std::shared_ptr<LocalReader>> LocalReader::open(const std::string& path) {
    const int fd = ::open(path.c_str(), reading);
    if (fd < 0) return file_error("read", path, errno);
    struct stat status {};
    const int code = ::fstat(fd, &status);
    std::shared_ptr<LocalReader> reader(new LocalReader(fd, path, static_cast<std::uint64_t>(status.st_size)));
    if (code != 0) return file_error("read", path, errno);
    if (!S_ISREG(status.st_mode)) return Error{Errc::unavailable, fmt::format("{} is not a regular file any more", path)};
    return reader;
}

Result<std::string> LocalReader::read(std::size_t most) {
    std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(most, left_)), '\0');
    std::size_t got = 0;
    while (got < bytes.size()) {
        const auto size = ::read(file_.descriptor, bytes.data() + got, bytes.size() - got);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return file_error("read", name_, errno);
        if (size == 0) break;
        got += static_cast<std::size_t>(size);
    }
    left_ = got < bytes.size() ? 0 : left_ - got;
    bytes.resize(got);
    return bytes;
}

Result<std::string> hash_local(const std::string& path, const std::atomic<bool>& stop) {
    const OpenFile file(::open(path.c_str(), reading));
    return hash_open(file, path, stop);
}

Result<std::shared_ptr<LocalFolder>> LocalFolder::open(const std::string& folder, const std::string& below) {
    std::error_code ec;
    std::filesystem::create_directories(folder, ec); // says whether it had to; a failure shows in what follows
    const auto name = join_path(folder, below);
    const OpenFile parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.descriptor < 0) return file_error("make", folder, errno);
    if (::mkdirat(parent.descriptor, below.c_str(), 0777) != 0 && errno != EEXIST) return file_error("make", name, errno);
    return open_below(parent, name, below);
}

Result<std::shared_ptr<LocalFolder>> LocalFolder::find(const std::string& folder, const std::string& below) {
    const auto name = join_path(folder, below);
    std::error_code ec;
    if (!std::filesystem::exists(std::filesystem::symlink_status(name, ec))) return std::shared_ptr<LocalFolder>();
    const OpenFile parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.descriptor < 0) return file_error("open", folder, errno);
    return open_below(parent, name, below);
}

Result<std::shared_ptr<LocalFolder>> LocalFolder::open_below(const OpenFile& parent, const std::string& name, const std::string& below) {
    const int fd = ::openat(parent.descriptor, below.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return file_error("open", name, errno);
    return std::shared_ptr<LocalFolder>(new LocalFolder(fd, name));
}

Error LocalFolder::error(const char* verb, const std::string& relative) const {
    return file_error(verb, join_path(name_, relative), errno);
}

Result<int> LocalFolder::open_parent(const std::string& relative, std::string& name) const {
    int at = ::fcntl(root_.descriptor, F_DUPFD_CLOEXEC, 0);
    std::string_view rest = relative;
    for (auto slash = rest.find('/'); at >= 0 && slash != rest.npos; slash = rest.find('/')) {
        const std::string part(rest.substr(0, slash));
        rest.remove_prefix(slash + 1);
        const OpenFile above(at);
        at = ::openat(above.descriptor, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (at < 0) return error("open the folder of", relative);
    name = rest;
    return at;
}

Result<void> LocalFolder::make_folder(const std::string& relative, unsigned mode) const {
    std::string name;
    const auto parent = open_parent(relative, name);
    if (!parent) return parent.error();
    const OpenFile holds(*parent);
    struct stat status {};
    // We must be able to write within it, whatever the node's own permissions say.
    if (::mkdirat(holds.descriptor, name.c_str(), (mode & 0777) | 0700) == 0) return {};
    if (errno != EEXIST) return error("make", relative);
    if (::fstatat(holds.descriptor, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return error("make", relative);
    if (S_ISDIR(status.st_mode)) return {};
    errno = S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
    return error("make", relative);
}

std::optional<LocalFolder::Found> LocalFolder::look(const std::string& relative) const {
    std::string name;
    const auto parent = open_parent(relative, name);
    if (!parent) return std::nullopt;
    const OpenFile holds(*parent);
    struct stat status {};
    if (::fstatat(holds.descriptor, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return std::nullopt;
    Found found;
    found.folder = S_ISDIR(status.st_mode);
    found.mode = status.st_mode & 07777;
    found.size = static_cast<std::uint64_t>(status.st_size);
    return found;
}

Result<std::string> LocalFolder::hash(const std::string& relative, std::shared_ptr<const std::atomic<bool>> stop) const {
    std::string name;
    const auto parent = open_parent(relative, name);
    if (!parent) return parent.error();
    const OpenFile holds(*parent);
    const OpenFile file(::openat(holds.descriptor, name.c_str(), reading | O_NOFOLLOW));
    return hash_open(file, join_path(name_, relative), *stop);
}

Result<void> LocalFolder::set_mode(const std::string& relative, unsigned mode) const {
    std::string name;
    const auto parent = open_parent(relative, name);
    if (!parent) return parent.error();
    const OpenFile holds(*parent);
    const OpenFile file(::openat(holds.descriptor, name.c_str(), reading | O_NOFOLLOW));
    if (file.descriptor < 0 || ::fchmod(file.descriptor, mode & 0777) != 0) return error("set the permissions of", relative);
    return {};
}

Result<std::shared_ptr<LocalFolder::NewFile>> LocalFolder::create(const std::string& relative, const std::string& random) const {
    std::string name;
    const auto parent = open_parent(relative, name);
    if (!parent) return parent.error();
    const auto temporary = temporary_path(name, random);
    const int fd = ::openat(*parent, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const int number = errno;
    auto file = std::make_shared<NewFile>(*parent, fd, fd < 0 ? "" : temporary, name, join_path(name_, relative));
    errno = number;
    if (fd < 0) return error("write", relative);
    return file;
}

Result<void> LocalFolder::NewFile::write(std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto size = ::write(file_.descriptor, bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return file_error("write", shown_, errno);
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return {};
}

Result<void> LocalFolder::NewFile::finish(unsigned mode) {
    if (::fchmod(file_.descriptor, mode & 0777) != 0) return file_error("write", shown_, errno);
    if (::renameat(folder_.descriptor, temporary_.c_str(), folder_.descriptor, name_.c_str()) != 0)
        return file_error("write", shown_, errno);
    temporary_.clear();
    return {};
}

void LocalFolder::NewFile::discard() {
    if (!temporary_.empty()) ::unlinkat(folder_.descriptor, temporary_.c_str(), 0);
    temporary_.clear();
}

} // namespace loom
