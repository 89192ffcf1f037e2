#include "app/files/text_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {
namespace {

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

Error cannot_read(const std::string& path, std::string_view why) {
    return {Errc::config, fmt::format("cannot read {}: {}", path, why)};
}

} // namespace

Result<TextFile> read_text_file(const std::string& path, std::size_t most) {
    // O_NONBLOCK: a FIFO in the place of the file would hold the open for ever.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat info {};
    if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return cannot_read(path, std::strerror(errno));
    if (!S_ISREG(info.st_mode)) return cannot_read(path, "not a regular file");
    TextFile read;
    read.others_can_read = (info.st_mode & S_IROTH) != 0;
    // The size is only a hint: the file may grow meanwhile.
    read.text.reserve(std::min(most, static_cast<std::size_t>(info.st_size)) + 1);
    std::string block(64u << 10, '\0');
    for (;;) {
        const auto n = ::read(file.fd, block.data(), block.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return cannot_read(path, std::strerror(errno));
        if (n == 0) return read;
        if (read.text.size() + static_cast<std::size_t>(n) > most) return cannot_read(path, fmt::format("larger than {} bytes", most));
        read.text.append(block.data(), static_cast<std::size_t>(n));
    }
}

} // namespace loom
