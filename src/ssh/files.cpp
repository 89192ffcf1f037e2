#include "ssh/files.hpp"

#include "core/base/limits.hpp"

#include <cerrno>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <system_error>
#include <unistd.h>

namespace loom {

OpenFile::~OpenFile() {
    if (descriptor >= 0) ::close(descriptor);
}

bool FileLook::recent(std::chrono::steady_clock::time_point compared) const {
    return !disk_ && std::chrono::steady_clock::now() - compared < most_;
}

std::unique_lock<std::mutex> FileLook::lock(std::mutex& mutex) {
    if (disk_) return std::unique_lock(mutex);
    std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock) missed_ = true;
    return lock;
}

Error file_error(const char* verb, const std::string& file, int number) {
    return {Errc::unavailable, fmt::format("cannot {} {}: {}", verb, file, std::generic_category().message(number))};
}

Result<std::string> read_whole_file(const std::string& name) {
    // O_NONBLOCK: opening a FIFO by mistake must not hang a thread of the pool.
    const OpenFile file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.descriptor < 0) return file_error("read", name, errno);
    return read_whole_file(file, name);
}

Result<std::string> read_whole_file(const OpenFile& file, const std::string& name) {
    std::string text;
    char chunk[16384];
    for (;;) {
        const auto n = ::read(file.descriptor, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return file_error("read", name, errno);
        if (n == 0) return text;
        text.append(chunk, static_cast<std::size_t>(n));
        if (text.size() > limits::config_file_bytes) return file_error("read", name, EFBIG);
    }
}

} // namespace loom
