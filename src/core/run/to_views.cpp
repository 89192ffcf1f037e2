#include "core/run/to_views.hpp"

#include "core/base/utf8.hpp"

namespace loom {
namespace {

std::optional<std::string> rfc3339(const std::optional<Instant>& instant) {
    if (!instant) return std::nullopt;
    return to_rfc3339(*instant);
}

/// `none` is for the program; people and scripts see an empty word.
template <class Word>
std::string word(Word value) {
    return value == Word::none ? std::string{} : std::string(to_string(value));
}

std::string_view word(Problem::Kind kind) {
    switch (kind) {
    case Problem::Kind::warning: return "warning";
    case Problem::Kind::quarantined: return "quarantined";
    case Problem::Kind::unavailable: return "unavailable";
    }
    return "";
}

} // namespace

RunView to_view(const Run& run) {
    RunView view;
    view.id = run.id;
    view.job = run.job;
    view.due = rfc3339(run.due);
    view.reason = to_string(run.reason);
    view.by = valid_utf8(run.by);
    view.state = to_string(run.state);
    view.started = to_rfc3339(run.started);
    view.finished = rfc3339(run.finished);
    view.message = valid_utf8(run.message);
    view.task = valid_utf8(run.task);
    view.catalog = run.catalog;
    view.of = run.of;
    view.upstream = run.upstream;
    view.note = valid_utf8(run.note);
    view.trace = run.trace;
    view.params = run.params;
    view.targets = run.target_count;
    for (std::size_t state = 0; state < node_states; ++state)
        if (run.counts[state] > 0) view.counts.emplace(to_string(static_cast<NodeState>(state)), run.counts[state]);
    return view;
}

NodeResultView to_view(const NodeResult& result) {
    const auto& outcome = result.outcome;
    NodeResultView view;
    view.node = result.node;
    view.state = to_string(outcome.state);
    view.cause = word(outcome.cause);
    view.phase = word(outcome.phase);
    view.message = valid_utf8(outcome.message);
    view.exit_status = outcome.exit_status;
    view.exit_signal = valid_utf8(outcome.exit_signal);
    view.survivors = valid_utf8(outcome.survivors);
    view.attempts = result.attempts;
    view.started = rfc3339(result.started);
    view.finished = rfc3339(result.finished);
    return view;
}

OutputGroupView to_view(const OutputGroup& group) {
    const auto& outcome = group.outcome;
    OutputGroupView view;
    view.nodes = fold_nodeset(group.nodes);
    view.count = static_cast<std::uint32_t>(group.nodes.size());
    view.state = to_string(outcome.state);
    view.cause = word(outcome.cause);
    view.phase = word(outcome.phase);
    view.message = valid_utf8(outcome.message);
    view.exit_status = outcome.exit_status;
    view.exit_signal = valid_utf8(outcome.exit_signal);
    view.out = valid_utf8(outcome.out.text);
    view.err = valid_utf8(outcome.err.text);
    view.out_dropped = outcome.out.dropped_bytes;
    view.err_dropped = outcome.err.dropped_bytes;
    return view;
}

PauseView to_view(const Pause& pause) {
    PauseView view;
    view.job = pause.job;
    view.reason = valid_utf8(pause.reason);
    view.by = pause.by;
    view.since = to_rfc3339(pause.since);
    if (pause.until) view.until = to_rfc3339(*pause.until);
    return view;
}

ProblemView to_view(const Problem& problem) {
    ProblemView view;
    view.kind = word(problem.kind);
    view.job = valid_utf8(problem.job);
    view.place = valid_utf8(problem.place);
    view.message = valid_utf8(problem.message);
    return view;
}

CatalogView to_view(const Catalog& catalog) {
    CatalogView view;
    view.version = LOOM_VERSION;
    view.file = catalog.settings.file;
    view.digest = catalog.digest;
    view.state_dir = catalog.settings.state_dir;
    view.nodes = static_cast<std::uint32_t>(catalog.nodes.size());
    view.jobs = static_cast<std::uint32_t>(catalog.jobs.size());
    view.groups = catalog.group_names();
    for (const auto& problem : catalog.problems) view.problems.push_back(to_view(problem));
    return view;
}

CatalogDiffView to_view(const CatalogDiff& diff) {
    CatalogDiffView view;
    view.jobs = {diff.jobs.added, diff.jobs.removed, diff.jobs.changed};
    view.nodes = {fold_nodeset(diff.nodes.added), fold_nodeset(diff.nodes.removed), fold_nodeset(diff.nodes.changed)};
    return view;
}

NodeView to_view(const Node& node) {
    NodeView view;
    view.name = node.name;
    view.address = node.address;
    if (node.port != 0) view.port = node.port;
    view.user = node.user;
    view.identity = node.identity;
    view.password = !node.password.empty();
    view.groups = node.groups;
    view.labels = node.labels;
    return view;
}

NodeSettingsView to_view(const Node& node, const std::vector<NodeSetting>& settings) {
    const auto plain = to_view(node);
    NodeSettingsView view;
    view.name = plain.name;
    view.address = plain.address;
    view.port = plain.port;
    view.user = plain.user;
    view.identity = plain.identity;
    view.password = plain.password;
    view.groups = plain.groups;
    view.labels = plain.labels;
    for (const auto& setting : settings)
        view.settings.push_back({setting.setting, valid_utf8(setting.value), valid_utf8(setting.place)});
    return view;
}

HostKeyView to_view(const Node& node, const HostKeyReport& report) {
    HostKeyView view;
    view.node = node.name;
    view.listed_as = report.listed_as;
    view.type = valid_utf8(report.type);
    view.fingerprint = report.fingerprint;
    view.verdict = report.verdict;
    view.place = valid_utf8(report.place);
    for (const auto& key : report.listed) view.listed.push_back({valid_utf8(key.type), key.fingerprint, valid_utf8(key.place)});
    for (const auto& place : report.in_the_way) view.in_the_way.push_back(valid_utf8(place));
    view.recorded = report.recorded;
    return view;
}

NodeOutputView to_output_view(const NodeResult& result) {
    NodeOutputView view;
    view.result = to_view(result);
    view.out = valid_utf8(result.outcome.out.text);
    view.err = valid_utf8(result.outcome.err.text);
    view.out_dropped = result.outcome.out.dropped_bytes;
    view.err_dropped = result.outcome.err.dropped_bytes;
    return view;
}

} // namespace loom
