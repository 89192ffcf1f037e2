#include "app/store/ledger_reader.hpp"

#include "core/base/digest.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace loom {
namespace {

constexpr std::size_t id_bytes_min = 4;

Error no_run(const std::string& id) { return not_found("no run \"" + id + "\""); }

} // namespace

Run LedgerReader::counted(RunRow row) {
    row.run.counts = row.counts ? unpack_counts(database_, *row.counts) : tally_nodes(database_, row.key, row.target_count).counts(false);
    return std::move(row.run);
}

Result<Run> LedgerReader::run(const std::string& id) {
    if (id.size() < id_bytes_min)
        return usage_error("\"" + id + "\": a run's id needs its first " + std::to_string(id_bytes_min) +
                           " characters at least");
    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<RunRow> found;
    {
        static const std::string sql =
            "SELECT " + run_columns + " FROM runs WHERE id >= ? AND id < ? ORDER BY id LIMIT 2";
        auto rows = database_.query(sql, id, id + '\x7f'); // ids are ASCII: this is behind all that begin so
        while (rows.next())
            found.push_back(read_run(database_, rows));
    }
    std::optional<Run> run;
    const bool several = found.size() > 1 && found[0].run.id != id;
    if (!found.empty() && !several)
        run = counted(found[0]);
    if (auto done = snapshot.commit(); !done)
        return done.error();
    if (run)
        return std::move(*run);
    if (!several)
        return no_run(id);
    return Error{Errc::conflict, "several runs begin with \"" + id + "\": " + found[0].run.id + ", " + found[1].run.id};
}

Result<std::optional<KnownRequest>> LedgerReader::requested(const std::string& key) {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::optional<KnownRequest> known;
    {
        auto rows = database_.query("SELECT digest, run FROM requests WHERE key = ?", key);
        if (rows.next())
            known = KnownRequest{rows.text(0), rows.text(1)};
    }
    return snapshot.commit(std::move(known));
}

Result<std::string> LedgerReader::spec(const std::string& id) {
    Transaction snapshot(database_, Transaction::Kind::read);
    std::optional<std::string> spec;
    {
        auto rows = database_.query("SELECT specs.text FROM runs LEFT JOIN specs ON specs.key = runs.spec WHERE id = ?", id);
        if (rows.next())
            spec = rows.text(0);
    }
    if (auto done = snapshot.commit(); !done)
        return done.error();
    if (!spec)
        return no_run(id);
    return std::move(*spec);
}

Result<std::vector<Run>> LedgerReader::runs(const RunFilter& filter) {
    std::string sql = "SELECT " + run_columns + " FROM runs WHERE true";
    if (!filter.job.empty())
        sql += " AND job = ?1";
    if (filter.state)
        sql += " AND state = ?2";
    if (!filter.before.empty())
        sql += " AND id < ?3";
    sql += " ORDER BY id DESC LIMIT ?4";
    const auto state = filter.state ? to_string(*filter.state) : std::string_view();

    Transaction snapshot(database_, Transaction::Kind::read);
    std::vector<RunRow> found;
    {
        auto rows = database_.query(sql, filter.job, state, filter.before, std::min(filter.limit, limits::page_items));
        while (rows.next())
            found.push_back(read_run(database_, rows));
    }
    std::vector<Run> runs;
    for (auto& row : found)
        runs.push_back(counted(std::move(row)));
    return snapshot.commit(std::move(runs));
}

StoredResult LedgerReader::open_node(const RunRow& run, std::uint32_t index, std::string name) {
    const bool ended = terminal(run.run.state);
    StoredResult open;
    open.result.index = index;
    open.result.node = std::move(name);
    open.result.outcome.state = open_state(ended, false);
    if (ended) {
        open.result.outcome.message = run.run.message;
        open.result.finished = run.run.finished;
    }
    return open;
}

/// A terminal result takes the place of the open one.
void LedgerReader::close(StoredResult& node, StoredResult result) {
    result.result.node = std::move(node.result.node);
    if (!result.result.started)
        result.result.started = node.result.started;
    node = std::move(result);
}

std::vector<StoredResult> LedgerReader::nodes(const RunRow& run) {
    auto names = read_targets(database_, run.targets);
    names.resize(std::min(names.size(), run.target_count));
    std::vector<StoredResult> nodes;
    nodes.reserve(names.size());
    for (std::uint32_t i = 0; i < names.size(); ++i)
        nodes.push_back(open_node(run, i, std::move(names[i])));
    const bool ended = terminal(run.run.state);
    read_progress(database_, run.key, [&](Progress progress) {
        for (const auto& batch : progress.starts)
            for (const auto place : batch.places) {
                if (place >= nodes.size() || nodes[place].result.started)
                    continue;
                nodes[place].result.started = batch.at;
                nodes[place].result.outcome.state = open_state(ended, true);
            }
        for (auto& each : progress.results)
            if (each.result.index < nodes.size())
                close(nodes[each.result.index], std::move(each));
    });
    return nodes;
}

/// The same of one node.
StoredResult LedgerReader::node(const RunRow& run, std::uint32_t index, std::string name) {
    std::optional<StoredResult> found;
    read_progress(
        database_, run.key,
        [&](Progress progress) {
            for (auto& each : progress.results)
                if (each.result.index == index)
                    found = std::move(each);
        },
        result_mark(index));
    if (!found || !found->result.started) {
        auto all = nodes(run);
        if (index >= all.size()) // the database has failed meanwhile, which the commit tells
            return open_node(run, index, std::move(name));
        return std::move(all[index]);
    }
    found->result.node = std::move(name);
    return std::move(*found);
}

Result<std::vector<NodeResult>> LedgerReader::results(const std::string& id) {
    Transaction snapshot(database_, Transaction::Kind::read);
    const auto run = find_run(database_, id);
    std::vector<NodeResult> results;
    if (run) {
        results.reserve(run->target_count);
        for (auto& row : nodes(*run)) {
            row.result.outcome.out = row.result.outcome.err = Output();
            results.push_back(std::move(row.result));
        }
    }
    if (auto done = snapshot.commit(); !done)
        return done.error();
    if (!run)
        return no_run(id);
    return results;
}

/// A prune may move a text, or take it and its run away, between the look at its row and at its file: the second look sees
/// which. What fails twice is damage.
template <class Look>
auto LedgerReader::twice(Look look) -> decltype(look()) {
    auto seen = look();
    return seen || seen.error().code != Errc::unavailable ? seen : look();
}

Result<NodeResult> LedgerReader::result(const std::string& id, const std::string& node) {
    return twice([&] { return read_result(id, node); });
}

Result<std::vector<OutputGroup>> LedgerReader::gathered(const std::string& id) {
    return twice([&] { return read_gathered(id); });
}

Result<NodeResult> LedgerReader::read_result(const std::string& id, const std::string& node) {
    Transaction snapshot(database_, Transaction::Kind::read);
    const auto run = find_run(database_, id);
    std::optional<NodeResult> result;
    if (run) {
        if (const auto index = find_target(database_, run->targets, node); index && *index < run->target_count) {
            auto row = this->node(*run, *index, node);
            auto room = std::numeric_limits<std::size_t>::max();
            fill(run->key, row.result.outcome.out, row.out, room);
            fill(run->key, row.result.outcome.err, row.err, room);
            result = std::move(row.result);
        }
    }
    if (auto done = snapshot.commit(); !done)
        return done.error();
    if (!run)
        return no_run(id);
    if (!result)
        return not_found("run " + id + " has no node \"" + node + "\"");
    return std::move(*result);
}

Result<std::vector<OutputGroup>> LedgerReader::read_gathered(const std::string& id) {
    struct Group {
        std::vector<std::string> nodes;
        StoredResult like;
    };
    Transaction snapshot(database_, Transaction::Kind::read);
    const auto run = find_run(database_, id);
    std::vector<Group> groups;
    if (run) {
        auto rows = nodes(*run);
        const auto digests = text_digests(run->key, rows);
        const auto digest = [&](const std::optional<StoredText>& stored) {
            if (!stored)
                return std::string();
            return stored->file.empty() ? digests.at({stored->row, stored->start}) : stored->file;
        };
        const auto alike = [&](const StoredResult& row) {
            const auto& one = row.result.outcome;
            return std::make_tuple(one.state, one.cause, one.phase, one.exit_status, one.exit_signal, one.message,
                                   digest(row.out), one.out.dropped_bytes, digest(row.err), one.err.dropped_bytes);
        };
        std::map<decltype(alike(StoredResult())), std::size_t> places;
        for (auto& row : rows) {
            if (!terminal(row.result.outcome.state))
                continue;
            const auto [place, is_new] = places.try_emplace(alike(row), groups.size());
            if (is_new)
                groups.emplace_back();
            groups[place->second].nodes.push_back(std::move(row.result.node));
            if (is_new)
                groups.back().like = std::move(row);
        }
    }
    std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
        const bool a_good = succeeded(a.like.result.outcome.state), b_good = succeeded(b.like.result.outcome.state);
        return a_good != b_good ? b_good : a.nodes.size() > b.nodes.size();
    });
    std::vector<OutputGroup> gathered;
    auto room = limits::gathered_bytes;
    for (auto& group : groups) {
        auto outcome = std::move(group.like.result.outcome);
        outcome.survivors.clear(); // process ids are each node's own
        fill(run->key, outcome.out, group.like.out, room);
        fill(run->key, outcome.err, group.like.err, room);
        gathered.push_back({std::move(group.nodes), std::move(outcome)});
    }
    if (auto done = snapshot.commit(); !done)
        return done.error();
    if (!run)
        return no_run(id);
    return gathered;
}

/// Of each text among those of the run's rows: equal texts of different rows have one.
std::map<std::pair<std::int64_t, std::uint64_t>, std::string> LedgerReader::text_digests(std::int64_t run, const std::vector<StoredResult>& nodes) {
    std::map<std::pair<std::int64_t, std::uint64_t>, std::size_t> places;
    for (const auto& node : nodes)
        for (const auto* stored : {&node.out, &node.err})
            if (*stored && (*stored)->file.empty())
                places[{(*stored)->row, (*stored)->start}] = (*stored)->bytes;
    std::map<std::pair<std::int64_t, std::uint64_t>, std::string> digests;
    for (auto place = places.begin(); place != places.end();) {
        const auto row = place->first.first;
        auto rows = database_.query("SELECT texts FROM progress WHERE key = ?", progress_key(run, row));
        const auto texts = rows.next() ? rows.view(0) : std::string_view();
        for (; place != places.end() && place->first.first == row; ++place)
            digests[place->first] = sha256_hex(texts.substr(std::min<std::size_t>(place->first.second, texts.size()), place->second));
    }
    return digests;
}

/// The stored text; one that is more than the room left counts as dropped.
void LedgerReader::fill(std::int64_t run, Output& output, const std::optional<StoredText>& stored, std::size_t& room) {
    if (!stored)
        return;
    if (stored->bytes > room) {
        output.dropped_bytes += stored->bytes;
        return;
    }
    room -= stored->bytes;
    if (!stored->file.empty()) {
        auto text = outputs_.read(stored->file, stored->bytes);
        if (text)
            output.text = std::move(*text);
        else
            database_.fail(text.error());
        return;
    }
    auto rows = database_.query("SELECT substr(texts, ? + 1, ?) FROM progress WHERE key = ?", stored->start, stored->bytes, progress_key(run, stored->row));
    if (rows.next())
        output.text = rows.text(0);
    if (output.text.size() != stored->bytes)
        database_.fail_damaged("a text of " + std::to_string(stored->bytes) + " bytes is not where its node says");
}

} // namespace loom
