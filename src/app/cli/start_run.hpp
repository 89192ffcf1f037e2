#pragma once
#include "app/cli/answer.hpp"
#include "app/cli/run_report.hpp"

#include <CLI/CLI.hpp>

namespace loom {

/// What every command that starts a run has.
struct RunFlags {
    bool detach = false, dry_run = false;
    bool ask_password = false; ///< put and get have no flag for it
};
void add_run_flags(CLI::App& app, RunFlags& flags);
void add_password_flag(CLI::App& app, RunFlags& flags);
void add_check_flag(CLI::App& app, bool& check);

/// `--parallel N` or `--parallel auto`, into the two fields of a request, which outlives the app.
void add_parallel(CLI::App& app, std::uint32_t& parallel, bool& parallel_auto);

/// Asks at the terminal for the password that `--ask-become-pass` announces; nothing is asked for a dry run.
Result<void> ask_become_password(const RunFlags& flags, std::string& password);

/// Starts a run and shows what comes of it; with --dry-run shows its plan. `Start` and `Plan` are members of Service that
/// take this request. `before` is called with the service right before the start. The exit code.
template <auto Start, auto Plan, class Request>
int start_run(CommandContext& context, const RunFlags& flags, Request request,
              const std::function<void(Service&)>& before = {}) {
    const auto need = flags.dry_run ? Need::read : flags.detach ? Need::daemon : Need::write;
    return with_service(context, need, [&](OpenService& open) -> Result<int> {
        auto& service = *open.service;
        if (flags.dry_run) {
            const auto plan = context.wait((service.*Plan)(std::move(request)));
            if (!plan) return plan.error();
            return report_plan(context, *plan);
        }
        if (before) before(service);
        auto run = context.wait((service.*Start)(Caller(context.caller), std::move(request)));
        if (!run) return run.error();
        if (flags.detach) return report_detached(context, *run);
        return wait_and_report(context, open, std::move(*run));
    });
}

} // namespace loom
