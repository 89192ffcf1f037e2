#include "core/run/live_output.hpp"

#include <algorithm>

namespace loom {

void LiveOutputs::add(const std::string& run, const std::string& node, int attempts, bool err, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    auto& live = runs_[run][node];
    if (live.attempts != attempts) {
        drop(live);
        live.attempts = attempts;
    }
    auto& stream = err ? live.err : live.out;
    if (bytes.size() > most_ - bytes_) make_room(stream, bytes.size());
    const auto kept = bytes.substr(bytes.size() - std::min(bytes.size(), most_ - bytes_));
    stream.start += bytes.size() - kept.size(); // where this is not 0, all that stood before has made room
    stream.text += kept;
    bytes_ += kept.size();
}

/// Takes at least half of what it has, so that the rest is not moved for each few bytes.
void LiveOutputs::make_room(Stream& stream, std::size_t wanted) {
    const auto missing = wanted - (most_ - bytes_);
    const auto gone = std::min(stream.text.size(), std::max(missing, stream.text.size() / 2));
    stream.text.erase(0, gone);
    stream.start += gone;
    bytes_ -= gone;
}

void LiveOutputs::drop(Node& node) {
    bytes_ -= node.out.text.size() + node.err.text.size();
    node = {};
}

void LiveOutputs::forget(const std::string& run, const std::string& node) {
    const std::lock_guard lock(mutex_);
    const auto nodes = runs_.find(run);
    if (nodes == runs_.end()) return;
    const auto found = nodes->second.find(node);
    if (found == nodes->second.end()) return;
    drop(found->second);
    nodes->second.erase(found);
    if (nodes->second.empty()) runs_.erase(nodes);
}

std::optional<OutputPieces> LiveOutputs::read(const std::string& run, const std::string& node, const OutputPlace& place) const {
    const std::lock_guard lock(mutex_);
    const auto nodes = runs_.find(run);
    if (nodes == runs_.end()) return std::nullopt;
    const auto found = nodes->second.find(node);
    if (found == nodes->second.end()) return std::nullopt;
    const auto& live = found->second;
    NodeText text;
    text.attempts = live.attempts;
    text.out = {live.out.start, live.out.text};
    text.err = {live.err.start, live.err.text};
    return pieces_of(text, place);
}

std::vector<std::string> LiveOutputs::nodes(const std::string& run) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    const auto nodes = runs_.find(run);
    if (nodes == runs_.end()) return names;
    for (const auto& [name, live] : nodes->second) names.push_back(name);
    return names;
}

std::size_t LiveOutputs::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

NodeTap::~NodeTap() {
    if (told_) live_.forget(run_, node_);
}

void NodeTap::entered(Phase phase) {
    if (bus_.followed_closely()) bus_.tell_closely(run_, "node.phase", {{"node", node_}, {"phase", to_string(phase)}});
}

void NodeTap::operator()(bool err, std::string_view bytes) {
    told_ = true;
    live_.add(run_, node_, attempts_, err, bytes);
    if (bus_.followed_closely()) bus_.mark_printed(run_, node_);
}

} // namespace loom
