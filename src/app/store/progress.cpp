#include "app/store/progress.hpp"

#include "core/base/limits.hpp"

#include <boost/json.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <charconv>

namespace loom {
namespace {

void append(std::string& text, std::integral auto number) {
    char digits[24];
    text.append(digits, std::to_chars(digits, std::end(digits), number).ptr);
}

/// A word that needs no escape.
void append_word(std::string& text, std::string_view name, std::string_view word) {
    text.append(",\"").append(name).append("\":\"").append(word).append("\"");
}

/// Left out where it is empty.
void append_text(std::string& text, std::string_view name, const std::string& value) {
    if (value.empty()) return;
    text.append(",\"").append(name).append("\":").append(boost::json::serialize(value));
}

void append_number(std::string& text, std::string_view name, std::integral auto number) {
    text.append(",\"").append(name).append("\":");
    append(text, number);
}

/// What is not each node's own.
void append_output(std::string& text, std::string_view name, const std::optional<StoredText>& stored, std::uint64_t dropped) {
    const bool in_file = stored && !stored->file.empty();
    if (!in_file && dropped == 0) return;
    text.append(",\"").append(name).append("\":{\"dropped\":");
    append(text, dropped);
    if (in_file) {
        append_word(text, "file", stored->file);
        append_number(text, "bytes", stored->bytes);
    }
    text += '}';
}

void append_place(std::string& text, const std::optional<StoredText>& stored) {
    const bool here = stored && stored->file.empty();
    text += ',';
    append(text, here ? stored->start : 0);
    text += ',';
    append(text, here ? stored->bytes : 0);
}

// What follows throws where the value is of another kind, which parse_progress catches.

std::string text_or_none(const boost::json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value ? std::string(value->as_string()) : std::string();
}

std::optional<Instant> instant_after(Instant at, const boost::json::value& after) {
    if (after.is_null()) return std::nullopt;
    return at + std::chrono::milliseconds(after.to_number<std::int64_t>());
}

std::optional<StoredText> read_output(const boost::json::object& common, std::string_view name, Output& output) {
    const auto* value = common.if_contains(name);
    if (!value) return std::nullopt;
    const auto& json = value->as_object();
    output.dropped_bytes = json.at("dropped").to_number<std::uint64_t>();
    if (!json.contains("file")) return std::nullopt;
    StoredText stored;
    stored.file = json.at("file").as_string();
    stored.bytes = json.at("bytes").to_number<std::size_t>();
    if (stored.bytes > limits::gathered_bytes) throw std::length_error("a text");
    return stored;
}

/// What nodes have in common. Nothing: a word is none.
std::optional<StoredResult> read_common(const boost::json::object& json) {
    StoredResult common;
    auto& outcome = common.result.outcome;
    const auto state = parse_node_state(json.at("state").as_string());
    const auto cause = json.contains("cause") ? parse_cause(json.at("cause").as_string()) : Cause::none;
    const auto phase = json.contains("phase") ? parse_phase(json.at("phase").as_string()) : Phase::none;
    if (!state || !cause || !phase) return std::nullopt;
    outcome.state = *state;
    outcome.cause = *cause;
    outcome.phase = *phase;
    if (const auto* exit = json.if_contains("exit")) outcome.exit_status = exit->to_number<int>();
    outcome.exit_signal = text_or_none(json, "signal");
    outcome.message = text_or_none(json, "message");
    outcome.survivors = text_or_none(json, "survivors");
    common.result.attempts = json.at("attempts").to_number<int>();
    common.out = read_output(json, "out", outcome.out);
    common.err = read_output(json, "err", outcome.err);
    return common;
}

void read_text(const boost::json::array& node, std::size_t at, std::int64_t row, std::optional<StoredText>& text) {
    const auto bytes = node.at(at + 1).to_number<std::size_t>();
    if (bytes == 0) return;
    text.emplace();
    text->row = row;
    text->start = node.at(at).to_number<std::uint64_t>();
    text->bytes = bytes;
    if (bytes > limits::output_inline_bytes) throw std::length_error("a text");
}

std::optional<Progress> read_progress(const boost::json::object& json, std::int64_t row) {
    Progress progress;
    const Instant at(std::chrono::milliseconds(json.at("at_ms").to_number<std::int64_t>()));
    for (const auto& start : json.at("starts").as_array()) {
        auto& batch = progress.starts.emplace_back();
        batch.at = instant_after(at, start.at("after_ms")).value();
        for (const auto& place : start.at("places").as_array()) batch.places.push_back(place.to_number<std::uint32_t>());
    }
    for (const auto& group : json.at("results").as_array()) {
        const auto common = read_common(group.as_object());
        if (!common) return std::nullopt;
        for (const auto& each : group.at("nodes").as_array()) {
            const auto& node = each.as_array();
            auto& stored = progress.results.emplace_back(*common);
            stored.result.index = node.at(0).to_number<std::uint32_t>();
            stored.result.started = instant_after(at, node.at(1));
            stored.result.finished = instant_after(at, node.at(2));
            if (node.size() > 3) read_text(node, 3, row, stored.out);
            if (node.size() > 5) read_text(node, 5, row, stored.err);
        }
    }
    return progress;
}

} // namespace

std::optional<Progress> parse_progress(std::string_view body, std::int64_t row) {
    boost::json::monotonic_resource memory;
    boost::json::parse_options options;
    options.allow_invalid_utf8 = true; // a node's words are kept as they came
    try {
        const auto json = boost::json::parse(body, &memory, options);
        return read_progress(json.as_object(), row);
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

std::string result_mark(std::uint32_t place) {
    std::string mark = "[";
    append(mark, place);
    return mark + ',';
}

void ProgressText::append_after(std::string& text, const std::optional<Instant>& at) {
    if (!at) {
        text += "null";
        return;
    }
    if (!at_) at_ = at;
    append(text, std::int64_t{(*at - *at_).count()});
}

void ProgressText::add(Instant at, const std::vector<std::uint32_t>& places) {
    starts_ += starts_.empty() ? "{\"after_ms\":" : ",{\"after_ms\":";
    append_after(starts_, at);
    starts_ += ",\"places\":[";
    for (const auto place : places) {
        append(starts_, place);
        starts_ += ',';
    }
    if (starts_.back() == ',') starts_.pop_back();
    starts_ += "]}";
    nodes_ += places.size();
}

void ProgressText::add(const NodeResult& result, const std::optional<StoredText>& out, const std::optional<StoredText>& err) {
    const auto& outcome = result.outcome;
    auto& common = common_;
    common = "{\"state\":\"";
    common.append(to_string(outcome.state)).append("\"");
    if (outcome.cause != Cause::none) append_word(common, "cause", to_string(outcome.cause));
    if (outcome.phase != Phase::none) append_word(common, "phase", to_string(outcome.phase));
    if (outcome.exit_status) append_number(common, "exit", *outcome.exit_status);
    append_text(common, "signal", outcome.exit_signal);
    append_text(common, "message", outcome.message);
    append_text(common, "survivors", outcome.survivors);
    append_number(common, "attempts", result.attempts);
    append_output(common, "out", out, outcome.out.dropped_bytes);
    append_output(common, "err", err, outcome.err.dropped_bytes);

    const auto [group, is_new] = results_.try_emplace(common);
    if (is_new) common_bytes_ += common.size();
    auto& nodes = group->second;
    nodes += nodes.empty() ? "[" : ",[";
    append(nodes, result.index);
    nodes += ',';
    append_after(nodes, result.started);
    nodes += ',';
    append_after(nodes, result.finished);
    if (out || err) append_place(nodes, out);
    if (err) append_place(nodes, err);
    nodes += ']';
    ++nodes_;
}

StoredText ProgressText::keep(std::string_view text) {
    const auto hash = std::hash<std::string_view>()(text);
    for (auto [same, end] = kept_.equal_range(hash); same != end; ++same)
        if (std::string_view(texts_).substr(same->second.start, same->second.bytes) == text) return same->second;
    StoredText stored;
    stored.start = texts_.size();
    stored.bytes = text.size();
    texts_ += text;
    kept_.emplace(hash, stored);
    return stored;
}

std::string ProgressText::body() const {
    std::string text = "{\"at_ms\":";
    append(text, at_ ? std::int64_t{at_->time_since_epoch().count()} : 0);
    text.append(",\"starts\":[").append(starts_).append("],\"results\":[");
    for (const auto& [common, nodes] : results_) text.append(common).append(",\"nodes\":[").append(nodes).append("]},");
    if (!results_.empty()) text.pop_back();
    return text + "]}";
}

} // namespace loom
