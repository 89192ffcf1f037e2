#include "app/store/ledger_rows.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace loom {
namespace {

/// The value of a stored word. One that this program does not know can only be damage.
template <class Value>
Value known(Database& database, std::optional<Value> value, const std::string& word) {
    if (value)
        return *value;
    database.fail_damaged("\"" + word + "\" is no state");
    return {};
}

boost::json::object read_params(Database& database, const std::string& text) {
    boost::system::error_code error;
    auto json = boost::json::parse(text, error);
    if (!error && json.is_object())
        return std::move(json.get_object());
    database.fail_damaged("a run's parameters are \"" + text + "\"");
    return {};
}

std::vector<std::string> split_ids(std::string_view text) {
    std::vector<std::string> ids;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        ids.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return ids;
}

} // namespace

RunState read_state(Database& database, const std::string& word) { return known(database, parse_run_state(word), word); }

std::string join_ids(const std::vector<std::string>& ids) {
    std::string text;
    for (const auto& id : ids)
        text += (text.empty() ? "" : " ") + id;
    return text;
}

const std::string run_columns = "key, targets, target_count, counts, id, job, due_ms, reason, caller, state, "
                                "started_ms, finished_ms, message, task, catalog, retry_of, claim, upstream, note, trace, params";

RunRow read_run(Database& database, const Rows& rows) {
    RunRow row;
    row.key = rows.integer(0);
    row.targets = rows.integer(1);
    row.target_count = static_cast<std::size_t>(rows.integer(2));
    if (row.target_count > limits::nodeset_nodes) {
        database.fail_damaged("a run of " + std::to_string(row.target_count) + " targets");
        row.target_count = 0;
    }
    row.run.target_count = static_cast<std::uint32_t>(row.target_count);
    if (!rows.null(3))
        row.counts = rows.text(3);
    auto& run = row.run;
    run.id = rows.text(4);
    run.job = rows.text(5);
    run.due = rows.maybe_instant(6);
    run.reason = known(database, parse_reason(rows.text(7)), rows.text(7));
    run.by = rows.text(8);
    run.state = read_state(database, rows.text(9));
    run.started = rows.instant(10);
    run.finished = rows.maybe_instant(11);
    run.message = rows.text(12);
    run.task = rows.text(13);
    run.catalog = rows.text(14);
    run.of = rows.text(15);
    if (!rows.null(16))
        run.claim = rows.text(16);
    run.upstream = split_ids(rows.text(17));
    run.note = rows.text(18);
    run.trace = rows.text(19);
    if (const auto params = rows.text(20); !params.empty()) run.params = read_params(database, params);
    return row;
}

std::optional<RunRow> find_run(Database& database, const std::string& id) {
    static const std::string sql = "SELECT " + run_columns + " FROM runs WHERE id = ?";
    auto rows = database.query(sql, id);
    if (!rows.next())
        return std::nullopt;
    return read_run(database, rows);
}

std::string join_targets(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names)
        text += name + '\n';
    return text;
}

std::vector<std::string> read_targets(Database& database, std::int64_t key) {
    std::vector<std::string> names;
    auto rows = database.query("SELECT names FROM targets WHERE key = ?", key);
    if (!rows.next())
        return names;
    const auto text = rows.text(0);
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
        names.push_back(text.substr(begin, end - begin));
    return names;
}

std::optional<std::uint32_t> find_target(Database& database, std::int64_t key, std::string_view name) {
    const auto names = read_targets(database, key);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        return std::nullopt;
    return static_cast<std::uint32_t>(found - names.begin());
}

std::string pack_counts(const Counts& counts) {
    boost::json::object object;
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] != 0)
            object[to_string(static_cast<NodeState>(i))] = counts[i];
    return boost::json::serialize(object);
}

Counts unpack_counts(Database& database, const std::string& text) {
    Counts counts{};
    boost::system::error_code error;
    const auto json = boost::json::parse(text, error);
    const auto* object = error ? nullptr : json.if_object();
    if (!object) {
        database.fail_damaged("a run's counts are \"" + text + "\"");
        return counts;
    }
    for (const auto& [word, number] : *object) {
        const auto state = known(database, parse_node_state(word), std::string(word));
        counts[static_cast<std::size_t>(state)] =
            number.is_int64() ? static_cast<std::uint32_t>(number.get_int64()) : 0;
    }
    return counts;
}

} // namespace loom
