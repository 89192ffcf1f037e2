#include "app/store/progress_rows.hpp"

#include "core/base/digest.hpp"

namespace loom {
namespace {

constexpr std::size_t row_bytes = 1u << 20; ///< bounds the memory of a look at one row

} // namespace

void NodeTally::start(const std::vector<std::uint32_t>& places) {
    for (const auto place : places)
        if (place < started_.size()) started_[place] = true;
}

bool NodeTally::end(std::uint32_t place, NodeState state) {
    if (place >= ended_.size() || ended_[place]) return false;
    ended_[place] = true;
    ++counts_[static_cast<std::size_t>(state)];
    return true;
}

void NodeTally::add(const Progress& progress) {
    for (const auto& batch : progress.starts) start(batch.places);
    for (const auto& each : progress.results) end(each.result.index, each.result.outcome.state);
}

Counts NodeTally::counts(bool run_ended) const {
    auto counts = counts_;
    for (std::size_t place = 0; place < ended_.size(); ++place)
        if (!ended_[place]) ++counts[static_cast<std::size_t>(open_state(run_ended, started_[place]))];
    return counts;
}

NodeState open_state(bool run_ended, bool started) {
    if (run_ended) return started ? NodeState::interrupted : NodeState::not_started;
    return started ? NodeState::running : NodeState::queued;
}

void read_progress(Database& database, std::int64_t run, const std::function<void(Progress progress)>& take, const std::string& mark) {
    auto rows = database.query("SELECT key, body FROM progress WHERE key BETWEEN ?1 AND ?2 AND (?3 = '' OR instr(body, ?3)) ORDER BY key",
                               progress_key(run, 0), last_progress_key(run), mark);
    while (rows.next()) {
        const auto number = progress_number(rows.integer(0));
        auto progress = parse_progress(rows.view(1), number);
        if (!progress) return database.fail_damaged("row " + std::to_string(number) + " of what was recorded of a run's nodes is none");
        take(std::move(*progress));
    }
}

std::string progress_digest(std::string_view body, std::string_view texts) {
    Sha256 digest;
    digest.add(body);
    digest.add(texts);
    return digest.hex();
}

void ProgressEnd::write_if_full(Database& database) {
    if (row.bytes() >= row_bytes) write(database);
}

void ProgressEnd::write(Database& database) {
    if (row.empty()) return;
    const auto body = row.body();
    database.execute("INSERT INTO progress (key, run, hash, body, texts) VALUES (?, ?, ?, ?, ?)", progress_key(run, ++number), run,
                     progress_digest(body, row.texts()), body, Blob{row.texts()});
    text_bytes += row.texts().size();
    row = {};
}

NodeTally tally_nodes(Database& database, std::int64_t run, std::size_t targets) {
    NodeTally tally(targets);
    read_progress(database, run, [&](const Progress& progress) { tally.add(progress); });
    return tally;
}

} // namespace loom
