#pragma once
#include "app/store/sqlite.hpp"
#include "core/model/run.hpp"

namespace loom {

/// A row of `runs`, its targets and counts still to be read.
struct RunRow {
    std::int64_t key = 0;
    std::int64_t targets = 0;
    std::size_t target_count = 0;
    std::optional<std::string> counts; ///< once it has ended
    Run run;
};

/// A stored word; one that this program does not know can only be damage.
RunState read_state(Database& database, const std::string& word);

/// The columns that `read_run` expects, in its order.
extern const std::string run_columns;
RunRow read_run(Database& database, const Rows& rows);

/// The run with exactly this id.
std::optional<RunRow> find_run(Database& database, const std::string& id);

/// Of runs, as they are stored together.
std::string join_ids(const std::vector<std::string>& ids);

std::vector<std::string> read_targets(Database& database, std::int64_t key);
/// The place of this name in the targets.
std::optional<std::uint32_t> find_target(Database& database, std::int64_t key, std::string_view name);
std::string join_targets(const std::vector<std::string>& names);

/// When each target was dialled first; empty: never.
std::vector<std::optional<Instant>> read_starts(Database& database, const RunRow& run);
std::string pack_indices(const std::vector<std::uint32_t>& indices);

/// A row of `nodes`; `outcome`'s outputs have their dropped bytes, their text is named by a key of `outputs`.
struct NodeRow {
    NodeResult result;
    std::optional<std::int64_t> out, err;
};
extern const std::string node_columns;
NodeRow read_node(Database& database, const Rows& rows);

/// What a node without a terminal row is: `running` or `queued`, and once its run has ended `interrupted` or
/// `not_started`.
NodeState open_state(bool run_ended, bool started);

/// Counts the nodes of a run from their rows; the sum is its targets. `ended` says what the open ones are.
Counts count_nodes(Database& database, const RunRow& run, bool ended);
std::string pack_counts(const Counts& counts);
Counts unpack_counts(Database& database, const std::string& text);

} // namespace loom
