#include "app/store/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace loom {

Error file_error(const std::string& path, std::string_view verb) {
    const auto reason = std::generic_category().message(errno);
    return {Errc::unavailable, path + ": cannot " + std::string(verb) + ": " + reason};
}

Result<File> File::open(std::string path, int flags) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return file_error(path, "open");
    return File(std::move(path), descriptor);
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

File::~File() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

Result<std::uint64_t> File::size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0)
        return file_error(path_, "stat");
    return static_cast<std::uint64_t>(status.st_size);
}

Result<void> File::write_at(std::uint64_t offset, std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return file_error(path_, "write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return {};
}

Result<std::string> File::read_at(std::uint64_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const auto got = ::pread(descriptor_, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(path_, "read");
        if (got == 0)
            return Error{Errc::unavailable, path_ + ": ends before byte " + std::to_string(offset + size) +
                                                ", which the database names: the file was cut short"};
        have += static_cast<std::size_t>(got);
    }
    return bytes;
}

Result<void> File::sync() const {
    if (::fdatasync(descriptor_) != 0)
        return file_error(path_, "sync");
    return {};
}

Result<void> sync_folder(const std::string& path) {
    auto folder = File::open(path, O_RDONLY | O_DIRECTORY);
    if (!folder)
        return folder.error();
    if (::fsync(folder->descriptor()) != 0)
        return file_error(path, "sync");
    return {};
}

Result<void> try_writing(const std::string& folder) {
    constexpr std::size_t bytes = 64u << 10; // more than what a disk that is all but full still finds in its last block
    const auto path = folder + "/try-" + std::to_string(::getpid());
    const auto file = File::open(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file)
        return file.error();
    auto written = file->write_at(0, std::string(bytes, '-'));
    if (written)
        written = file->sync();
    ::unlink(path.c_str());
    return written;
}

Result<bool> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0)
        return true;
    struct stat status {};
    if (errno == EEXIST && ::stat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return false;
        errno = ENOTDIR;
    }
    return file_error(path, "make the folder");
}

} // namespace loom
