#pragma once
#include "app/cli/context.hpp"

namespace loom {

/// Waits for a run that was just started and shows what came of it: gathered output, failures first, a summary, and
/// where to look deeper. Returns the exit code.
Result<int> wait_and_report(CommandContext& context, OpenService& open, RunView run);

/// A run that was left to the daemon: its id and how to look at it and end it.
int report_detached(CommandContext& context, const RunView& run);

/// What `--dry-run` shows: the nodes and the work, nothing else happens.
int report_plan(CommandContext& context, const PlanView& plan);

/// The gathered blocks on stdout.
void print_groups(CommandContext& context, const std::vector<OutputGroupView>& groups);

/// The summary and the hints, on stderr.
void print_summary(CommandContext& context, const RunView& run, const std::vector<OutputGroupView>& groups);

} // namespace loom
