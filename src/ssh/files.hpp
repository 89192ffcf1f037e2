#pragma once
#include "core/base/error.hpp"

#include <string>
#include <sys/stat.h>

namespace loom {

/// Closes the descriptor when it goes.
struct OpenFile {
    explicit OpenFile(int fd) : descriptor(fd) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile();
    const int descriptor;
};

/// What tells that a file is no longer the one that was read.
struct FileStamp {
    long long seconds = 0, nanoseconds = 0, bytes = -1; ///< -1: there was no file
    unsigned long long inode = 0;

    FileStamp() = default;
    explicit FileStamp(const struct stat& status)
        : seconds(status.st_mtim.tv_sec), nanoseconds(status.st_mtim.tv_nsec), bytes(status.st_size), inode(status.st_ino) {}
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// `cannot read /x: Permission denied`
Error file_error(const char* verb, const std::string& file, int number);

/// The whole file, at most limits::config_file_bytes. Blocks.
Result<std::string> read_whole_file(const std::string& file);

/// The rest of an open file; `name` is for messages.
Result<std::string> read_whole_file(const OpenFile& file, const std::string& name);

} // namespace loom
