#include "app/worker/frames.hpp"

#include "app/worker/limits.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace loom {

Descriptor::~Descriptor() {
    if (number_ >= 0) ::close(number_);
}

Result<std::vector<Frame>> FrameReader::feed(std::string_view bytes, std::vector<Descriptor> files) {
    if (files.size() > 1) return usage_error("two files came with one frame");
    std::vector<Frame> whole;
    Frame* began = nullptr; // the last one that did, in these bytes
    std::size_t began_at = 0;
    while (!bytes.empty()) {
        if (wanted_ == 0) {
            if (head_.empty()) began_at = whole.size(), began = &frame_;
            const auto part = std::min<std::size_t>(4 - head_.size(), bytes.size());
            head_ += bytes.substr(0, part);
            bytes.remove_prefix(part);
            if (head_.size() < 4) break;
            for (const char c : head_) wanted_ = wanted_ << 8 | static_cast<unsigned char>(c);
            head_.clear();
            if (wanted_ == 0) return usage_error("an empty frame");
            if (wanted_ > worker_limits::frame_bytes)
                return usage_error(fmt::format("a frame of {} bytes, and {} is the most", wanted_, worker_limits::frame_bytes));
        }
        const auto part = std::min(wanted_ - frame_.body.size(), bytes.size());
        frame_.body += bytes.substr(0, part);
        bytes.remove_prefix(part);
        if (frame_.body.size() < wanted_) break;
        wanted_ = 0;
        whole.push_back(std::exchange(frame_, {}));
    }
    if (files.empty()) return whole;
    if (!began) return usage_error("a file that belongs to no frame");
    auto& owner = began_at < whole.size() ? whole[began_at] : frame_;
    owner.file = std::move(files.front());
    return whole;
}

std::string to_frame(std::string_view body) {
    std::string frame;
    frame.reserve(body.size() + 4);
    for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(body.size() >> shift & 0xff);
    return frame += body;
}

} // namespace loom
