#pragma once
#include "app/cli/context.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <span>

namespace loom {

/// What a command does once its options are read. `words` are what followed `--`.
using Action = std::function<int(CommandContext& context, const std::vector<std::string>& words)>;

/// One row of the command line. `prepare` adds the options and gives the action; options live in the action's closure.
struct CommandRow {
    const char* name;
    const char* summary;
    Action (*prepare)(CLI::App& app);
    bool takes_words = false; ///< whether `-- WORDS` may follow
    bool local = false;       ///< works on this machine's own files and processes, whatever server is named
    bool hidden = false;      ///< for programs: no help tells of it
};

/// In the order of the help.
std::span<const CommandRow> command_table();

Action serve_command(CLI::App& app);
Action token_command(CLI::App& app);
Action context_command(CLI::App& app);
Action openapi_command(CLI::App& app);
Action check_command(CLI::App& app);
Action exec_command(CLI::App& app);
Action put_command(CLI::App& app);
Action get_command(CLI::App& app);
Action run_command(CLI::App& app);
Action jobs_command(CLI::App& app);
Action nodes_command(CLI::App& app);
Action nodeset_command(CLI::App& app);
Action next_command(CLI::App& app);
Action explain_command(CLI::App& app);
Action simulate_command(CLI::App& app);
Action why_command(CLI::App& app);
Action runs_command(CLI::App& app);
Action logs_command(CLI::App& app);
Action cancel_command(CLI::App& app);
Action retry_command(CLI::App& app);
Action backfill_command(CLI::App& app);
Action pause_command(CLI::App& app);
Action resume_command(CLI::App& app);
Action reload_command(CLI::App& app);
Action tasks_command(CLI::App& app);
Action drain_command(CLI::App& app);
Action hook_command(CLI::App& app);
Action notify_command(CLI::App& app);
Action db_command(CLI::App& app);
Action doctor_command(CLI::App& app);
Action import_command(CLI::App& app);
Action completion_command(CLI::App& app);
Action complete_command(CLI::App& app);

} // namespace loom
