#include "app/store/outputs.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::uint64_t segment_bytes_max = 64u << 20;
constexpr std::size_t pending_bytes_max = 4u << 20; ///< a batch beyond this goes out in several writes
constexpr std::string_view segment_prefix = "segment-";

} // namespace

std::string OutputFiles::segment_path(std::int64_t number) const {
    return fmt::format("{}/{}{:06}", folder_, segment_prefix, number);
}

std::string OutputFiles::own_path(const std::string& hash) const {
    return folder_ + "/" + hash.substr(0, 2) + "/" + hash;
}

void OutputFiles::begin() {
    pending_.clear();
    unsynced_ = false;
    end_.reset();
}

Result<std::vector<std::pair<std::int64_t, std::uint64_t>>> OutputFiles::segments() const {
    std::vector<std::pair<std::int64_t, std::uint64_t>> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
        const auto name = entry->path().filename().string();
        if (!name.starts_with(segment_prefix))
            continue;
        std::int64_t number = 0;
        std::from_chars(name.data() + segment_prefix.size(), name.data() + name.size(), number);
        std::error_code unknown; // a folder, say: who opens it is told
        const auto size = entry->file_size(unknown);
        found.emplace_back(number, unknown ? 0 : size);
    }
    if (error)
        return Error{Errc::unavailable, folder_ + ": cannot list: " + error.message()};
    std::sort(found.begin(), found.end());
    return found;
}

/// All writers use the newest. A number is used once: one that is gone may be named by rows that a reader still sees.
Result<void> OutputFiles::find_end() {
    for (;;) {
        if (number_ > 0) {
            if (auto opened = open_segment(); !opened)
                return opened;
            auto size = segment_->size();
            if (!size)
                return size.error();
            end_ = *size;
            if (*size < segment_bytes_max)
                return {};
            failpoint("output.rolled");
        }
        segment_.reset();
        const auto all = segments();
        if (!all)
            return all.error();
        number_ = std::max(all->empty() ? 0 : all->back().first, number_ + 1);
    }
}

Result<void> OutputFiles::open_segment() {
    if (segment_)
        return {};
    auto opened = File::open(segment_path(number_), O_WRONLY | O_CREAT);
    if (!opened)
        return opened.error();
    segment_ = std::move(*opened);
    failpoint("output.segment");
    return sync_folder(folder_);
}

Result<SegmentPlace> OutputFiles::put(const std::string& hash, std::string_view text) {
    if (text.size() > limits::output_inline_bytes) {
        if (auto written = write_own(hash, text); !written)
            return written.error();
        return SegmentPlace{};
    }
    if (end_ && *end_ + pending_.size() >= segment_bytes_max) {
        if (auto synced = sync(); !synced)
            return synced.error();
        end_.reset();
    }
    if (!end_) {
        if (auto found = find_end(); !found)
            return found.error();
    }
    const SegmentPlace place{number_, *end_ + pending_.size()};
    pending_ += text;
    if (pending_.size() >= pending_bytes_max) {
        if (auto flushed = flush(); !flushed)
            return flushed.error();
    }
    return place;
}

Result<void> OutputFiles::flush() {
    if (pending_.empty())
        return {};
    unsynced_ = true;
    if (auto written = segment_->write_at(*end_, pending_); !written)
        return written;
    failpoint("output.written");
    *end_ += pending_.size();
    pending_.clear();
    return {};
}

Result<void> OutputFiles::sync() {
    if (auto flushed = flush(); !flushed)
        return flushed;
    if (!unsynced_)
        return {};
    if (auto synced = segment_->sync(); !synced)
        return synced;
    unsynced_ = false;
    return {};
}

/// Under another name first, so that a file with the right name is always whole.
Result<void> OutputFiles::write_own(const std::string& hash, std::string_view text) {
    const auto path = own_path(hash);
    const auto folder = path.substr(0, path.rfind('/'));
    auto made = make_folder(folder);
    if (!made)
        return made.error();
    if (*made) {
        if (auto synced = sync_folder(folder_); !synced)
            return synced;
    }
    const auto part = path + ".part";
    auto file = File::open(part, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file)
        return file.error();
    if (auto written = file->write_at(0, text); !written)
        return written;
    if (auto synced = file->sync(); !synced)
        return synced;
    failpoint("output.part");
    if (std::rename(part.c_str(), path.c_str()) != 0)
        return file_error(path, "rename");
    failpoint("output.whole");
    return sync_folder(folder);
}

Result<std::string> OutputFiles::read(const SegmentPlace& place, const std::string& hash, std::size_t bytes) const {
    auto file = File::open(place.segment ? segment_path(*place.segment) : own_path(hash), O_RDONLY);
    if (!file)
        return file.error();
    return file->read_at(place.start, bytes);
}

} // namespace loom
