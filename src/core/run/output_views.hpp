#pragma once
#include "core/run/views.hpp"

namespace loom {

/// What a node has printed to one stream, from some byte on. Offsets count the node's bytes, also where `text` spells one out.
struct OutputPieceView {
    std::uint64_t offset = 0; ///< of its first byte
    std::uint64_t next = 0;   ///< ask for this one next
    std::string text;
    std::uint64_t dropped = 0; ///< bytes beyond what is kept of a stream; known at the end
};
BOOST_DESCRIBE_STRUCT(OutputPieceView, (), (offset, next, text, dropped))

/// A piece of both streams of a node, while it runs or afterwards.
struct NodeOutputPiece {
    NodeResultView result; ///< `attempts` says which try printed this: one that follows begins anew
    OutputPieceView out, err;
    bool ended = false; ///< this was the last of it
};
BOOST_DESCRIBE_STRUCT(NodeOutputPiece, (), (result, out, err, ended))

/// Where in a node's output to go on. All zero: from its beginning.
struct NodeOutputQuery {
    std::string id, node;
    std::uint64_t out = 0, err = 0; ///< offsets: `next` of the piece before
    int attempts = 0;               ///< that piece's; where the node has been tried again since, the offsets do not count
    std::string wait;               ///< a duration: until there is more or it has ended, and at most so long; empty: not at all
};
BOOST_DESCRIBE_STRUCT(NodeOutputQuery, (), (id, node, out, err, attempts, wait))

/// Whose events, and how closely. Made of a RunRef: not closely.
struct WatchRun {
    WatchRun() = default;
    WatchRun(RunRef ref) : id(std::move(ref.id)) {}
    std::string id;
    bool output = false; ///< what nodes print too, and how far each has come
};
BOOST_DESCRIBE_STRUCT(WatchRun, (), (id, output))

} // namespace loom
