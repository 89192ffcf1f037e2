#pragma once
#include "core/model/outcome.hpp"

#include <array>
#include <functional>
#include <mutex>

namespace loom {

/// Gathers what a command prints: limits::output_bytes of each stream, the rest is counted. One strand adds; any thread may look
/// meanwhile and afterwards. The text is there once: who looks sees that which the outcome has at the end.
class OutputBuffer {
public:
    using Heard = std::function<void(bool err, std::string_view bytes)>;

    /// `heard` is told each piece that is kept, on the strand that adds it. May be empty.
    explicit OutputBuffer(Heard heard = {}) : heard_(std::move(heard)) {}

    void add(bool err, std::string_view bytes);
    /// The outcome gets all that was kept, and nothing is added any more.
    void finish(Outcome& outcome) const;

    /// `look(out, err)`: both texts stand still for so long.
    template <class Look>
    auto look(Look look) const {
        const std::lock_guard lock(mutex_);
        return look(text_of(streams_[0]), text_of(streams_[1]));
    }

private:
    struct Stream {
        std::shared_ptr<std::string> text; ///< null: nothing yet
        std::uint64_t dropped_bytes = 0;
    };
    static std::string_view text_of(const Stream& stream) { return stream.text ? std::string_view(*stream.text) : std::string_view(); }
    static Output output_of(const Stream& stream);

    Heard heard_;
    mutable std::mutex mutex_; ///< of the texts, for who adds to one and for who looks from another thread
    std::array<Stream, 2> streams_;
};

} // namespace loom
