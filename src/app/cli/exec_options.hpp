#pragma once
#include "app/cli/start_run.hpp"

namespace loom {

/// What `exec`, `put` and `get` have in common: which nodes, how many at once, for how long.
struct ExecOptions {
    StartExec request;
    std::string connect_timeout, command_timeout, run_timeout;
    RunFlags flags;
};

/// TARGETS and the flags; the options outlive the app.
void add_exec_options(CLI::App& app, ExecOptions& options);

/// The request with its deadlines read, still without its work.
Result<StartExec> read_exec_options(const ExecOptions& options);

} // namespace loom
