#include "app/cli/command_table.hpp"

#include <array>

namespace loom {

std::span<const CommandRow> command_table() {
    static constexpr std::array rows{
        CommandRow{"exec", "Run a command on nodes now and gather what it prints", exec_command, true},
        CommandRow{"put", "Bring files to nodes", put_command},
        CommandRow{"get", "Fetch files from nodes", get_command},
        CommandRow{"run", "Run a job now", run_command},
        CommandRow{"jobs", "List the jobs; `jobs show NAME` shows one", jobs_command},
        CommandRow{"pause", "Let the schedule of a job, or of all, start nothing for a while", pause_command},
        CommandRow{"resume", "End a pause", resume_command},
        CommandRow{"nodes", "List the nodes; `nodes show NAME` shows one, `nodes trust NAME` records its host key", nodes_command},
        CommandRow{"next", "When jobs, or any cron expression, are due next", next_command},
        CommandRow{"explain", "A cron expression in words", explain_command, false, true},
        CommandRow{"simulate", "What the schedules will do: every run, overlap and clock change, and the load", simulate_command, false, true},
        CommandRow{"why", "Why a job ran, did not run, or will: `why JOB`, `why JOB@TIME`, `why RUN`", why_command},
        CommandRow{"runs", "List runs, newest first; `runs show ID` shows one", runs_command},
        CommandRow{"logs", "What a run's nodes printed", logs_command},
        CommandRow{"cancel", "End a run that the daemon works on", cancel_command},
        CommandRow{"retry", "Run again what did not succeed in a run", retry_command},
        CommandRow{"backfill", "Run a job for instants that have passed", backfill_command},
        CommandRow{"hook", "Webhooks that start jobs: `hook list`, `hook test NAME --payload FILE`", hook_command},
        CommandRow{"notify", "Who is told when jobs fail: `notify list`, `notify test RULE`", notify_command},
        CommandRow{"tasks", "List the tasks that are built in; `tasks show NAME` shows one with its parameters", tasks_command, false, true},
        CommandRow{"nodeset", "Expand, fold and count sets of node names", nodeset_command, false, true},
        CommandRow{"check", "Read the configuration and report what is wrong with it", check_command, false, true},
        CommandRow{"reload", "Make the daemon read its configuration anew", reload_command},
        CommandRow{"drain", "Have the daemon begin nothing new; `drain --undo` ends that", drain_command},
        CommandRow{"db", "Look after the history: `db check`, `db backup FOLDER`, `db prune`", db_command, false, true},
        CommandRow{"import", "Print what other tools know as configuration: `import ansible PATH`, `import crontab FILE`", import_command, false, true},
        CommandRow{"doctor", "Look whether this machine is fit for the configuration", doctor_command, false, true},
        CommandRow{"token", "Who may use the daemon over the network: `token create NAME`, `token revoke NAME`", token_command},
        CommandRow{"context", "Daemons on other machines, by name: `context add NAME --server URL`", context_command, false, true},
        CommandRow{"openapi", "The HTTP API as an OpenAPI document", openapi_command, false, true},
        CommandRow{"completion", "Print the script that completes Loom's words in a shell: bash, zsh or fish", completion_command, false, true},
        CommandRow{.name = "complete", .summary = "What may stand at the end of a command line", .prepare = complete_command,
                   .takes_words = true, .hidden = true},
        CommandRow{"serve", "Be the daemon: run the jobs when they are due", serve_command, false, true},
    };
    return rows;
}

} // namespace loom
