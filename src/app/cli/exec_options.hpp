#pragma once
#include "app/cli/context.hpp"

#include <CLI/CLI.hpp>

namespace loom {

/// What `exec`, `put` and `get` have in common: which nodes, how many at once, for how long.
struct ExecOptions {
    StartExec request;
    std::string limit, connect_timeout, command_timeout, run_timeout;
    bool detach = false, dry_run = false;
};

/// TARGETS and the flags; the options outlive the app.
void add_exec_options(CLI::App& app, ExecOptions& options);

/// The request with its limits and deadlines read, still without its work.
Result<StartExec> read_exec_options(const ExecOptions& options);

/// Opens the door, starts the request and shows what comes of it; with --dry-run the nodes and `work` only. The exit code.
int start_and_report(CommandContext& context, const ExecOptions& options, StartExec request, const std::string& work);

} // namespace loom
