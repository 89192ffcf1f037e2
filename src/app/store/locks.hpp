#pragma once
#include "app/store/file.hpp"

namespace loom {

/// An flock(2) on a file of its own, held while this object lives. The kernel drops the lock of a dead process, so
/// waiting for one needs no deadline of ours: it ends when the holder's commit ends, or the holder.
class FileLock {
public:
    /// Waits for the lock; makes the file where it is missing.
    static Result<FileLock> wait(const std::string& path);
    /// As `wait`, but a lock that is taken is an Error (Errc::conflict).
    static Result<FileLock> try_take(const std::string& path);
    /// Whether anyone holds the lock; a missing file is a lock that nobody holds. Disturbs no holder and no asker.
    static bool held(const std::string& path);

    /// Unlinks the file. The lock itself goes with the object.
    void remove() const;

private:
    explicit FileLock(File file) : file_(std::move(file)) {}

    File file_;
};

} // namespace loom
