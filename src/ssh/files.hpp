#pragma once
#include "core/base/error.hpp"

#include <chrono>
#include <mutex>
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
    long long change_seconds = 0, change_nanoseconds = 0; ///< of the status: no program can set these back
    unsigned long long inode = 0, device = 0;

    FileStamp() = default;
    explicit FileStamp(const struct stat& status)
        : seconds(status.st_mtim.tv_sec), nanoseconds(status.st_mtim.tv_nsec), bytes(status.st_size),
          change_seconds(status.st_ctim.tv_sec), change_nanoseconds(status.st_ctim.tv_nsec), inode(status.st_ino),
          device(status.st_dev) {}
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// How somebody looks at files that are kept in memory. On an io thread only what was compared with the disk a moment
/// ago counts, and nothing is waited for: a fan-out asks for the same few files thousands of times, and a turn of the
/// blocking pool for each node was a twentieth of its CPU. What is missing then is asked for again, of the disk.
class FileLook {
public:
    /// Blocks: for the blocking pool.
    static FileLook disk() { return FileLook(true, {}); }
    /// What was compared with the disk at most so long ago.
    static FileLook at_hand(std::chrono::milliseconds most) { return FileLook(false, most); }

    /// Whether what was compared with the disk at that time still counts.
    bool recent(std::chrono::steady_clock::time_point compared) const;
    /// Whether the disk may be asked; remembers the no.
    bool may_ask() {
        missed_ = missed_ || !disk_;
        return disk_;
    }
    /// A lock that its holder may keep while it reads: an unlocked one, and a miss, where it would have to be waited for.
    std::unique_lock<std::mutex> lock(std::mutex& mutex);
    /// What was answered is not to be used.
    bool missed() const { return missed_; }

private:
    FileLook(bool disk, std::chrono::milliseconds most) : disk_(disk), most_(most) {}
    const bool disk_;
    const std::chrono::milliseconds most_;
    bool missed_ = false;
};

/// `cannot read /x: Permission denied`
Error file_error(const char* verb, const std::string& file, int number);

/// The whole file, at most limits::config_file_bytes. Blocks.
Result<std::string> read_whole_file(const std::string& file);

/// The rest of an open file; `name` is for messages.
Result<std::string> read_whole_file(const OpenFile& file, const std::string& name);

} // namespace loom
