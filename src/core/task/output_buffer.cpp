#include "core/task/output_buffer.hpp"

#include "core/base/limits.hpp"

namespace loom {
namespace {

/// A text that outgrows this gets all the room there is for it. By steps it would be copied four times more, each time into fresh
/// memory; and what is never written of the room takes none.
constexpr std::size_t small_text_bytes = 64u << 10;

} // namespace

void OutputBuffer::add(bool err, std::string_view bytes) {
    auto& stream = streams_[err];
    const auto size = text_of(stream).size();
    const auto kept = bytes.substr(0, limits::output_bytes - size);
    stream.dropped_bytes += bytes.size() - kept.size();
    if (kept.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        if (!stream.text) stream.text = std::make_shared<std::string>();
        if (size + kept.size() > small_text_bytes) stream.text->reserve(limits::output_bytes);
        stream.text->append(kept);
    }
    if (heard_) heard_(err, kept);
}

Output OutputBuffer::output_of(const Stream& stream) {
    Output output;
    if (stream.text) output.text = SharedText(stream.text);
    output.dropped_bytes = stream.dropped_bytes;
    return output;
}

void OutputBuffer::finish(Outcome& outcome) const {
    outcome.out = output_of(streams_[0]);
    outcome.err = output_of(streams_[1]);
}

} // namespace loom
