#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/store/backup.hpp"
#include "app/store/check_ledger.hpp"
#include "app/store/prune.hpp"
#include "app/store/sqlite_store.hpp"
#include "core/async/deadline.hpp"
#include "core/async/stop.hpp"
#include "core/base/bytes.hpp"
#include "core/base/counted.hpp"
#include "core/base/limits.hpp"
#include "core/base/near.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

// These work on the state folder itself, beside a daemon or without one: they take turns with it as any process does.

struct PruneWish {
    bool dry_run = false;
    std::string job, older_than;
};

Result<int> check(CommandContext& context, std::string folder) {
    if (folder.empty()) {
        const auto catalog = context.load_catalog(context.config);
        if (!catalog) return catalog.error();
        folder = (*catalog)->settings.state_dir;
    }
    const auto found = check_ledger(folder);
    if (!found) return found.error();
    const auto code = found->fault_count == 0 ? 0 : static_cast<int>(Errc::failed);
    if (context.json) {
        boost::json::array faults(found->faults.begin(), found->faults.end());
        print_json_line(context, {{"folder", folder}, {"runs", found->runs}, {"outputs", found->outputs}, {"bytes", found->bytes},
                                  {"fault_count", found->fault_count}, {"faults", faults}});
        return code;
    }
    auto& out = context.streams.out;
    for (const auto& fault : found->faults) out << out_paint(context)(Colour::red, for_line(fault)) << '\n';
    if (found->fault_count > found->faults.size()) out << "and " << found->fault_count - found->faults.size() << " more\n";
    out << for_line(folder)
        << fmt::format(": {}, {} ({}), {}\n", counted(found->runs, "run"), counted(found->outputs, "output"), size_words(found->bytes),
                       code == 0 ? "all sound" : counted(found->fault_count, "fault"))
        << std::flush;
    return code;
}

/// Whoever reads a ledger first brings it up to date.
Result<void> bring_up_to_date(const std::string& state_dir) {
    const auto store = open_sqlite_store(state_dir, StoreMode::read_only);
    if (!store) return store.error();
    if (const auto asked = (*store)->orphans(); !asked) return asked.error();
    return {};
}

Result<int> back_up(CommandContext& context, const std::string& folder) {
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return catalog.error();
    if (auto current = bring_up_to_date((*catalog)->settings.state_dir); !current) return current.error();
    const auto done = back_up_ledger((*catalog)->settings.state_dir, folder);
    if (!done) return done.error();
    if (context.json)
        print_json_line(context, {{"folder", folder}, {"runs", done->runs}, {"files", done->files}, {"bytes", done->bytes}});
    else
        say(context, fmt::format("{}: {}, {} of outputs and host keys.\n  look: {}", folder, counted(done->runs, "run"), size_words(done->bytes),
                                 command_hint(context, {"db", "check", folder})));
    return 0;
}

/// What the configuration says, or only what the command line does.
Result<PruneLimits> limits_of(const CatalogPtr& catalog, const PruneWish& wish) {
    auto limits = prune_limits(catalog);
    if (!wish.job.empty()) limits.only = wish.job;
    if (wish.older_than.empty()) return limits;
    const auto age = parse_duration(wish.older_than);
    if (!age || age->count() == 0)
        return usage_error("--older-than: " + (age ? std::string("expected more than 0") : age.error().message));
    limits.bytes = 0;
    limits.of_job = [age = *age](const std::string&) {
        Retention only;
        only.age = age;
        only.runs = 0;
        only.bytes = 0;
        return only;
    };
    return limits;
}

Result<int> prune(CommandContext& context, const PruneWish& wish) {
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return catalog.error();
    const auto limits = limits_of(*catalog, wish);
    if (!limits) return limits.error();
    const auto& state_dir = (*catalog)->settings.state_dir;
    if (auto current = bring_up_to_date(state_dir); !current) return current.error();
    auto pruner = Pruner::open(state_dir, *limits, context.clock.now());
    if (!pruner) return pruner.error();
    const PruneReport nothing;
    const auto& report = *pruner ? (*pruner)->report() : nothing;
    if (!wish.job.empty() && report.looked == 0 && !(*catalog)->find_job(wish.job))
        return not_found(fmt::format("there is no job \"{}\"{}, and no run of it", wish.job, did_you_mean(wish.job, (*catalog)->job_names())));
    const StopToken never;
    for (Result<bool> more = *pruner && !wish.dry_run; more && *more;) {
        more = (*pruner)->step();
        if (!more) return more.error();
        context.wait(pause_for(limits::prune_rest, never));
    }
    if (context.json)
        print_json_line(context, {{"dry_run", wish.dry_run}, {"runs", report.runs}, {"nodes", report.nodes}, {"files", report.files},
                                  {"freed_bytes", report.freed_bytes}, {"free_bytes", report.free_bytes}});
    else if (wish.dry_run)
        say(context, fmt::format("Would remove {}, with the results of {}.", counted(report.runs, "run"), counted(report.nodes, "node")));
    else
        say(context, fmt::format("Removed {}, with the results of {} and {}: {} given back, {} free in the database.", counted(report.runs, "run"),
                                 counted(report.nodes, "node"), counted(report.files, "file"), size_words(report.freed_bytes),
                                 size_words(report.free_bytes)));
    return 0;
}

int ended(CommandContext& context, const Result<int>& code) { return code ? *code : fail(context, code.error()); }

} // namespace

Action db_command(CLI::App& app) {
    const auto folder = std::make_shared<std::string>();
    const auto wish = std::make_shared<PruneWish>();
    auto* check_app = app.add_subcommand("check", "Whether the history is sound: rows, sums, and every output");
    check_app->add_option("FOLDER", *folder, "A backup to look through, in place of the state folder");
    auto* backup_app = app.add_subcommand("backup", "Copy the history, whole and of one moment, into a new folder");
    backup_app->add_option("FOLDER", *folder, "The folder, which is made")->required();
    auto* prune_app = app.add_subcommand("prune", "Remove what is beyond `retention` now");
    prune_app->add_flag("--dry-run", wish->dry_run, "Only count what would go");
    prune_app->add_option("--job", wish->job, "Only runs of this job")->type_name("JOB");
    prune_app->add_option("--older-than", wish->older_than, "What ended longer ago, in place of what is configured")->type_name("TIME");
    app.require_subcommand(1);
    return [=](CommandContext& context, const std::vector<std::string>&) {
        if (check_app->parsed()) return ended(context, check(context, *folder));
        if (backup_app->parsed()) return ended(context, back_up(context, *folder));
        return ended(context, prune(context, *wish));
    };
}

} // namespace loom
