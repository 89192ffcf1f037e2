#include "core/run/output_stream.hpp"

#include "core/base/utf8.hpp"

#include <utility>

namespace loom {

OutputStream::OutputStream(std::unique_ptr<EventStream> from, Journal& journal, const LiveOutputs& live, std::string run)
    : from_(std::move(from)), journal_(journal), live_(live), run_(std::move(run)) {
    for (auto& node : live_.nodes(run_)) waiting_.insert(std::move(node));
}

awaitable<std::optional<Event>> OutputStream::next() {
    for (;;) {
        if (!reading_.empty() && ready_.empty()) co_await read_more();
        if (!ready_.empty()) {
            std::optional<Event> event(std::move(ready_.front()));
            ready_.pop_front();
            co_return event;
        }
        if (!reading_.empty()) continue;
        if (after_) {
            places_.erase(std::string(after_->data.at("result").at("node").as_string()));
            co_return std::exchange(after_, std::nullopt);
        }
        if (!waiting_.empty()) {
            reading_ = *waiting_.begin();
            waiting_.erase(waiting_.begin());
            continue;
        }
        // Ends as the stream below does.
        auto event = co_await from_->next();
        if (!event) co_return std::nullopt;
        if (event->type == "node.printed") {
            reading_ = event->data.at("node").as_string();
            continue;
        }
        id_ = event->id;
        if (event->type != "node.finished") co_return event;
        const std::string node(event->data.at("result").at("node").as_string());
        if (!places_.contains(node)) co_return event;
        reading_ = node; // the rest of a character may have waited for more
        after_ = std::move(event);
    }
}

/// The next piece of the node, or nothing more of it for now.
awaitable<void> OutputStream::read_more() {
    auto& place = places_[reading_];
    std::optional<OutputPieces> pieces;
    if (ended_) pieces = pieces_of(text_of(*ended_), place);
    else if (!after_) pieces = live_.read(run_, reading_, place); // of a node that has ended it would still wait for more
    if (!pieces) {
        auto ask = [run = run_, node = reading_](RunStore& store) { return store.result(run, node); };
        auto result = co_await journal_.read(std::move(ask));
        if (result && terminal(result->outcome.state)) ended_ = std::move(*result);
        if (ended_) pieces = pieces_of(text_of(*ended_), place);
    }
    if (pieces && !pieces->empty()) {
        place = pieces->next;
        add(pieces->out, "out", place);
        add(pieces->err, "err", place);
        co_return;
    }
    ended_.reset();
    reading_.clear();
}

void OutputStream::add(const OutputPiece& piece, std::string_view stream, const OutputPlace& next) {
    if (piece.bytes.empty()) return;
    auto& event = ready_.emplace_back();
    event.id = id_;
    event.type = "node.output";
    event.run = run_;
    event.data["node"] = reading_;
    event.data["stream"] = stream;
    event.data["attempts"] = next.attempts;
    event.data["offset"] = piece.offset;
    event.data["text"] = valid_utf8(piece.bytes);
    event.data["next"] = piece.offset + piece.bytes.size();
}

} // namespace loom
