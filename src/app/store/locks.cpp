#include "app/store/locks.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
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

} // namespace

Result<FileLock> FileLock::wait(const std::string& path) {
    auto file = File::open(path, O_RDWR | O_CREAT);
    if (!file)
        return file.error();
    if (lock(*file, LOCK_EX) != 0)
        return file_error(path, "lock");
    return FileLock(std::move(*file));
}

Result<FileLock> FileLock::try_take(const std::string& path) {
    auto file = File::open(path, O_RDWR | O_CREAT);
    if (!file)
        return file.error();
    if (lock(*file, LOCK_EX | LOCK_NB) == 0)
        return FileLock(std::move(*file));
    if (errno == EWOULDBLOCK)
        return Error{Errc::conflict, path + ": held by another process"};
    return file_error(path, "lock");
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

void FileLock::remove() const { ::unlink(file_.path().c_str()); }

} // namespace loom
