#pragma once
#include "core/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace loom {

/// An open file and its name: closes itself, and each Error (Errc::unavailable) names the path and the system's reason.
class File {
public:
    /// `flags` as for open(2); O_CLOEXEC is added, a new file gets mode 0600.
    static Result<File> open(std::string path, int flags);
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    ~File();

    int descriptor() const { return descriptor_; }
    const std::string& path() const { return path_; }

    Result<std::uint64_t> size() const;
    Result<void> write_at(std::uint64_t offset, std::string_view bytes) const;
    /// Exactly `size` bytes; a file that ends before is an Error.
    Result<std::string> read_at(std::uint64_t offset, std::size_t size) const;
    /// The bytes are on the disk when this returns (fdatasync).
    Result<void> sync() const;

private:
    File(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

    std::string path_;
    int descriptor_ = -1;
};

/// `path: cannot verb: reason`, the reason from errno.
Error file_error(const std::string& path, std::string_view verb);

/// Makes the names inside this folder durable.
Result<void> sync_folder(const std::string& path);

/// Whether files in this folder can be written right now: writes a small one, syncs it and takes it away.
Result<void> try_writing(const std::string& folder);

/// Makes the folder (mode 0700) unless it is there; returns whether it is new.
Result<bool> make_folder(const std::string& path);

} // namespace loom
