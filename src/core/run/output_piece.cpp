#include "core/run/output_piece.hpp"

#include <algorithm>

namespace loom {
namespace {

/// How many bytes at the end are the beginning of a UTF-8 character and lack its rest.
std::size_t cut_character(std::string_view bytes) {
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
        const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
        if ((byte & 0xc0) == 0x80) continue; // within a character
        const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return back < length ? back : 0;
    }
    return 0;
}

OutputPiece piece_of(std::string_view text, std::uint64_t from, bool ended) {
    OutputPiece piece;
    piece.offset = std::min<std::uint64_t>(from, text.size());
    const auto rest = text.substr(piece.offset);
    auto bytes = rest.substr(0, output_piece_bytes);
    if (!ended || bytes.size() < rest.size()) bytes.remove_suffix(cut_character(bytes));
    piece.bytes = bytes;
    return piece;
}

} // namespace

NodeText text_of(const NodeResult& result) {
    NodeText text;
    text.attempts = result.attempts;
    text.out = result.outcome.out.text;
    text.err = result.outcome.err.text;
    text.ended = terminal(result.outcome.state);
    return text;
}

OutputPieces pieces_of(const NodeText& text, const OutputPlace& place) {
    auto from = place;
    if (place.attempts != text.attempts) from = {};
    OutputPieces pieces;
    pieces.out = piece_of(text.out, from.out, text.ended);
    pieces.err = piece_of(text.err, from.err, text.ended);
    pieces.next.attempts = text.attempts;
    pieces.next.out = pieces.out.offset + pieces.out.bytes.size();
    pieces.next.err = pieces.err.offset + pieces.err.bytes.size();
    pieces.last = text.ended && pieces.next.out == text.out.size() && pieces.next.err == text.err.size();
    return pieces;
}

} // namespace loom
