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

std::string pack_counts(const Counts& counts);
Counts unpack_counts(Database& database, const std::string& text);

} // namespace loom
