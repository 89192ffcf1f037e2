#include "app/store/locks.hpp"

#include "core/base/duration.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <spdlog/fmt/fmt.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>

namespace loom {
namespace {

int lock(const File& file, int operation) {
    int status = 0;
    do
        status = ::flock(file.descriptor(), operation);
    while (status != 0 && errno == EINTR);
    return status;
}

/// `process 1234 (loom)`, where the kernel tells: /proc/locks of proc(5).
std::string holder_of(const File& file) {
    struct stat status {};
    if (::fstat(file.descriptor(), &status) != 0)
        return "another process";
    const auto place = fmt::format("{:02x}:{:02x}:{}", major(status.st_dev), minor(status.st_dev), status.st_ino);
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number, kind, mode, access, pid, at;
        words >> number >> kind >> mode >> access >> pid >> at;
        if (kind != "FLOCK" || at != place)
            continue;
        std::string name;
        std::getline(std::ifstream("/proc/" + pid + "/comm"), name);
        return "process " + pid + (name.empty() ? name : " (" + name + ")");
    }
    return "another process";
}

/// Whether it was taken. Asked again and again, since flock(2) has no deadline; often, so that a moment in which the lock is free is
/// not missed.
Result<bool> take_within(const File& file, std::chrono::milliseconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (lock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return file_error(file.path(), "lock");
        if (std::chrono::steady_clock::now() >= end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

Result<void> wait_for(const File& file, std::chrono::milliseconds most) {
    const auto taken = take_within(file, most);
    if (!taken)
        return taken.error();
    if (!*taken)
        return Error{Errc::unavailable, file.path() + ": " + holder_of(file) + " has held it for more than " + short_duration(most)};
    return {};
}

/// Whether another file has its name by now, or none: then it locks out nobody.
bool replaced(const File& file) {
    struct stat here {}, there {};
    return ::fstat(file.descriptor(), &here) != 0 || ::stat(file.path().c_str(), &there) != 0 || here.st_ino != there.st_ino ||
           here.st_dev != there.st_dev;
}

} // namespace

Result<FileLock> FileLock::wait(const std::string& path, std::chrono::milliseconds most) {
    auto file = File::open(path, O_RDWR | O_CREAT);
    if (!file)
        return file.error();
    if (auto taken = wait_for(*file, most); !taken)
        return taken.error();
    return FileLock(std::move(*file));
}

Result<FileLock> FileLock::try_take(const std::string& path, std::chrono::milliseconds most) {
    auto file = File::open(path, O_RDWR | O_CREAT);
    if (!file)
        return file.error();
    const auto taken = take_within(*file, most);
    if (!taken)
        return taken.error();
    if (!*taken)
        return Error{Errc::conflict, path + ": held by another process"};
    return FileLock(std::move(*file));
}

bool FileLock::held(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        return false;
    auto file = File::open(path, O_RDONLY);
    if (!file)
        return true; // what cannot be looked at counts as alive
    // Shared: two who ask at once must not take each other for the holder.
    return lock(*file, LOCK_SH | LOCK_NB) != 0;
}

Result<LockTurns::Turn> LockTurns::wait() {
    if (file_ && replaced(*file_))
        file_.reset();
    if (!file_) {
        auto opened = File::open(path_, O_RDWR | O_CREAT);
        if (!opened)
            return opened.error();
        file_ = std::move(*opened);
    }
    if (auto taken = wait_for(*file_, limits::write_turn_time); !taken)
        return taken.error();
    return Turn(*file_);
}

LockTurns::Turn::~Turn() {
    if (file_)
        lock(*file_, LOCK_UN);
}

void FileLock::remove() const { ::unlink(file_.path().c_str()); }

} // namespace loom
