#include "app/files/kept_nodes.hpp"

#include "app/files/text_file.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "core/config/inventory.hpp"
#include "core/config/nodes_text.hpp"
#include "core/time/instant.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {
namespace {

std::string identity_of(const InventorySource& source) {
    auto text = fmt::format("{}\n{}\n", static_cast<int>(source.type), source.path);
    for (const auto& word : source.command) text += fmt::format("{} {}\n", word.size(), word);
    return sha256_hex(text).substr(0, 32);
}

std::optional<Instant> changed_at(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    return Instant(std::chrono::duration_cast<Instant::duration>(std::chrono::seconds(info.st_mtim.tv_sec) +
                                                                 std::chrono::nanoseconds(info.st_mtim.tv_nsec)));
}

bool write_whole(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return ::fdatasync(fd) == 0;
}

} // namespace

KeptNodes::KeptNodes(const std::string& state_dir, const InventorySource& source)
    : folder_(state_dir + "/inventory"), path_(folder_ + "/" + identity_of(source) + ".json") {}

std::optional<KeptNodes::Last> KeptNodes::last() const {
    const auto at = changed_at(path_);
    auto file = read_text_file(path_, limits::config_file_bytes);
    if (!at || !file) return std::nullopt;
    ConfigTexts texts;
    texts.nodes = ConfigText{path_, {}, false};
    Faults faults;
    const SourceText text{path_, path_, file->text};
    auto inventory = read_inventory(text, texts, faults);
    if (!faults.empty()) return std::nullopt;
    return Last{std::move(inventory.nodes), to_rfc3339(std::chrono::floor<std::chrono::seconds>(*at))};
}

std::optional<std::vector<Node>> KeptNodes::younger_than(Milliseconds age) const {
    const auto at = changed_at(path_);
    const auto now = std::chrono::system_clock::now();
    // A time to come is a clock that was set back: no age can be told.
    if (!at || *at > now || now - *at > age) return std::nullopt;
    auto kept = last();
    if (!kept) return std::nullopt;
    return std::move(kept->nodes);
}

Result<void> KeptNodes::keep(const std::vector<Node>& nodes) const {
    const auto wrong = [&] { return Error{Errc::unavailable, fmt::format("cannot keep the nodes in {}: {}", path_, std::strerror(errno))}; };
    const auto text = nodes_text(nodes);
    if (const auto old = read_text_file(path_, limits::config_file_bytes); old && old->text == text) {
        ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0); // as fresh as it is true
        return {};
    }
    std::error_code ec;
    const auto state = std::filesystem::path(folder_).parent_path();
    std::filesystem::create_directories(state.parent_path(), ec);
    ::mkdir(state.c_str(), 0700);
    ::mkdir(folder_.c_str(), 0700);
    auto fresh = path_ + ".XXXXXX";
    const int fd = ::mkostemp(fresh.data(), O_CLOEXEC); // mode 0600
    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) return {};
    if (fd < 0) return wrong();
    const bool written = write_whole(fd, text);
    const int number = errno;
    ::close(fd);
    if (written && ::rename(fresh.c_str(), path_.c_str()) == 0) return {};
    if (!written) errno = number;
    const auto error = wrong();
    ::unlink(fresh.c_str());
    return error;
}

} // namespace loom
