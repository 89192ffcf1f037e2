#include "core/run/live_output.hpp"

namespace loom {

void LiveOutputs::show(const std::string& run, const std::string& node, int attempts, std::shared_ptr<const OutputBuffer> output) {
    const std::lock_guard lock(mutex_);
    runs_[run][node] = {attempts, std::move(output)};
}

void LiveOutputs::forget(const std::string& run, const std::string& node) {
    const std::lock_guard lock(mutex_);
    const auto nodes = runs_.find(run);
    if (nodes == runs_.end()) return;
    nodes->second.erase(node);
    if (nodes->second.empty()) runs_.erase(nodes);
}

std::optional<LiveOutputs::Node> LiveOutputs::find(const std::string& run, const std::string& node) const {
    const std::lock_guard lock(mutex_);
    const auto nodes = runs_.find(run);
    if (nodes == runs_.end()) return std::nullopt;
    const auto found = nodes->second.find(node);
    if (found == nodes->second.end()) return std::nullopt;
    return found->second;
}

std::optional<OutputPieces> LiveOutputs::read(const std::string& run, const std::string& node, const OutputPlace& place) const {
    const auto live = find(run, node);
    if (!live) return std::nullopt;
    return live->output->look([&](std::string_view out, std::string_view err) {
        NodeText text;
        text.attempts = live->attempts;
        text.out = out;
        text.err = err;
        return pieces_of(text, place);
    });
}

std::vector<std::string> LiveOutputs::nodes(const std::string& run) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    const auto nodes = runs_.find(run);
    if (nodes == runs_.end()) return names;
    for (const auto& [name, live] : nodes->second) names.push_back(name);
    return names;
}

NodeTap::~NodeTap() {
    if (shown_ != 0) live_.forget(run_, node_);
}

void NodeTap::entered(Phase phase) {
    if (bus_.followed_closely()) bus_.tell_closely(run_, "node.phase", {{"node", node_}, {"phase", to_string(phase)}});
}

std::shared_ptr<OutputBuffer> NodeTap::begin(int attempts) {
    auto output = std::make_shared<OutputBuffer>([this, attempts](bool, std::string_view) { printed(attempts); });
    output_ = output;
    return output;
}

void NodeTap::printed(int attempts) {
    if (std::exchange(shown_, attempts) != attempts) live_.show(run_, node_, attempts, output_);
    if (bus_.followed_closely()) bus_.mark_printed(run_, node_);
}

} // namespace loom
