#pragma once
#include "app/cli/output/table.hpp"
#include "core/run/views.hpp"
#include "core/time/cron.hpp"

namespace loom {

/// When the expression is due in the zone (empty: this machine's), `query.count` times from `query.after` on (on clocks there;
/// empty: from now). Errors are Errc::usage and name the flag: --tz, --after.
Result<DueList> due_of(const Cron& cron, const std::string& zone, const NextQuery& query, Instant now);

/// For people; with `jobs` each row names its job.
Table due_table(const std::vector<DueView>& due, Instant now, bool jobs);

} // namespace loom
