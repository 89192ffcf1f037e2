#pragma once
#include "app/store/file.hpp"
#include "core/base/limits.hpp"

#include <optional>
#include <utility>

namespace loom {

/// An flock(2) on a file of its own, held while this object lives. The kernel drops the lock of a dead process; one that is
/// stopped, or whose disk hangs, keeps it.
class FileLock {
public:
    /// Waits for the lock, and at most so long: then the Error (Errc::unavailable) says who holds it. Makes the file where it
    /// is missing. Blocks.
    static Result<FileLock> wait(const std::string& path, std::chrono::milliseconds most = limits::write_turn_time);
    /// As `wait`, but a lock that is taken, and for so long, is an Error (Errc::conflict).
    static Result<FileLock> try_take(const std::string& path, std::chrono::milliseconds most = {});
    /// Whether anyone holds the lock; a missing file is a lock that nobody holds. Disturbs no holder and no asker.
    static bool held(const std::string& path);

    /// Unlinks the file. The lock itself goes with the object.
    void remove() const;

private:
    explicit FileLock(File file) : file_(std::move(file)) {}

    File file_;
};

/// A lock that one thread takes again and again: its file stays open in between.
class LockTurns {
public:
    explicit LockTurns(std::string path) : path_(std::move(path)) {}

    /// Ends with the object, and before this.
    class Turn {
    public:
        explicit Turn(const File& file) : file_(&file) {}
        Turn(Turn&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn();

    private:
        const File* file_;
    };
    /// As FileLock::wait.
    Result<Turn> wait();

private:
    std::string path_;
    std::optional<File> file_;
};

} // namespace loom
