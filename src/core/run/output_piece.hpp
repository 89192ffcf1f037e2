#pragma once
#include "core/model/run.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace loom {

/// How far a reader has come in what a node prints.
struct OutputPlace {
    int attempts = 0; ///< NodeResult::attempts of what was read; 0: nothing yet
    std::uint64_t out = 0, err = 0;

    friend bool operator==(const OutputPlace&, const OutputPlace&) = default;
};

/// What is here of a node's output.
struct NodeText {
    int attempts = 0;
    std::string_view out, err;
    bool ended = false; ///< nothing follows
};
NodeText text_of(const NodeResult& result);

struct OutputPiece {
    std::uint64_t offset = 0;
    std::string bytes;
};

struct OutputPieces {
    OutputPiece out, err;
    OutputPlace next;  ///< where the reader is then
    bool last = false; ///< nothing follows

    bool empty() const { return out.bytes.empty() && err.bytes.empty(); }
};

/// What comes next for a reader, `output_piece_bytes` of each stream at most. A task that was run again is read from its
/// beginning. No character is cut in two: a part of one waits for its rest while something follows. Pure.
OutputPieces pieces_of(const NodeText& text, const OutputPlace& place);

inline constexpr std::size_t output_piece_bytes = 32u << 10; ///< one event, or one reply to a reader that is behind

} // namespace loom
