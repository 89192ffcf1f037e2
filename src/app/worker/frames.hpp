#pragma once
#include "core/base/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loom {

/// An open file; closed when this goes.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor();

    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }
    /// The caller's from now on.
    int release() { return std::exchange(number_, -1); }

private:
    int number_ = -1;
};

/// One message between the daemon and a worker (docs/plugin-protocol.md).
struct Frame {
    std::string body;
    Descriptor file; ///< what was sent with its first byte
};

/// Puts frames together out of bytes as they arrive, however they are cut. Holds one frame's bytes at most.
class FrameReader {
public:
    /// The frames that the bytes complete. `files` came with them (recvmsg(2) ends a read behind the bytes that carry some, so they
    /// belong to the frame that begins last). An error is for good: an empty or an oversized frame, a file without a frame, or two.
    Result<std::vector<Frame>> feed(std::string_view bytes, std::vector<Descriptor> files = {});

    /// Whether a frame has begun that has not ended.
    bool within() const { return !head_.empty() || wanted_ > 0; }

private:
    std::string head_; ///< of the length's four bytes
    std::size_t wanted_ = 0;
    Frame frame_;
};

/// The frame of a body. Its size is the caller's care: 1 to worker_limits::frame_bytes.
std::string to_frame(std::string_view body);

} // namespace loom
