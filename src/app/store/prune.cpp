#include "app/store/prune.hpp"

#include "app/store/schema.hpp"
#include "app/store/sweep.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace loom {
namespace {

constexpr std::size_t page_bytes = 4096; ///< of text: taken away in about the time of a node

} // namespace

PruneLimits prune_limits(CatalogPtr catalog) {
    PruneLimits limits;
    limits.bytes = catalog->settings.retention.bytes;
    limits.of_job = [catalog = std::move(catalog)](const std::string& job) { return retention_of(*catalog, job); };
    return limits;
}

Pruner::Pruner(StorePaths paths, std::unique_ptr<Database> database, FileLock lock)
    : paths_(std::move(paths)), database_(std::move(database)), lock_(std::move(lock)) {}

Pruner::~Pruner() {
    // Closing may move the log into the database, which is writing. If it is another's turn, that one will do it.
    sweep_.reset();
    const auto turn = FileLock::try_take(paths_.write_lock);
    database_->checkpoint_on_close(turn.has_value());
    database_.reset();
}

Result<std::unique_ptr<Pruner>> Pruner::open(const std::string& state_dir, const PruneLimits& limits, Instant now) {
    StorePaths paths(state_dir);
    std::error_code error;
    if (!std::filesystem::exists(paths.database, error)) return std::unique_ptr<Pruner>();
    auto lock = FileLock::try_take(paths.upkeep_lock);
    if (!lock && lock.error().code == Errc::conflict)
        return Error{Errc::conflict, state_dir + ": another process prunes, copies or checks it"};
    if (!lock) return lock.error();
    auto database = Database::open(paths.database, Database::Mode::read_write);
    if (!database) return database.error();
    (*database)->script(writer_settings);
    if (auto failure = (*database)->take_failure()) return *failure;
    const auto age = schema_age(**database, paths.outputs);
    if (!age) return age.error();
    if (*age == SchemaAge::none) return std::unique_ptr<Pruner>();
    if (*age != SchemaAge::current) return Error{Errc::unavailable, paths.database + ": written by an older loom"};
    std::unique_ptr<Pruner> pruner(new Pruner(std::move(paths), std::move(*database), std::move(*lock)));
    pruner->decide(limits, now);
    if (auto failure = pruner->database_->take_failure()) return *failure;
    return pruner;
}

std::vector<std::string> Pruner::jobs(const PruneLimits& limits) {
    if (limits.only) return {*limits.only};
    std::vector<std::string> names;
    // Steps from job to job through the index: the runs in between are not read.
    auto rows = database_->query("WITH RECURSIVE names (job) AS (SELECT min(job) FROM runs UNION ALL"
                                 " SELECT (SELECT min(job) FROM runs WHERE job > names.job) FROM names"
                                 " WHERE job IS NOT NULL) SELECT job FROM names WHERE job IS NOT NULL");
    while (rows.next()) names.push_back(rows.text(0));
    return names;
}

std::vector<PastRun> Pruner::runs_of(const std::string& job) {
    std::vector<PastRun> runs;
    auto rows = database_->query("SELECT key, id, state, due_ms, started_ms, finished_ms,"
                                 " EXISTS (SELECT 1 FROM upstreams WHERE run = runs.key) FROM runs WHERE job = ? ORDER BY id DESC", job);
    while (rows.next()) {
        PastRun run;
        run.key = rows.integer(0);
        run.id = rows.text(1);
        // A state that this program does not know is none that it may take away.
        const auto state = parse_run_state(rows.text(2));
        run.state = state.value_or(RunState::running);
        run.due = rows.maybe_instant(3);
        run.started = rows.instant(4);
        if (state) run.finished = rows.maybe_instant(5);
        run.needed = rows.integer(6) != 0;
        runs.push_back(std::move(run));
    }
    return runs;
}

/// What each run's outputs weigh: a large text that is equal to another is one file, and counts for the newest run that has it.
void Pruner::weigh(std::vector<PastRun>& newest_first) {
    std::set<std::int64_t> seen;
    for (auto& run : newest_first) {
        run.bytes = 0;
        if (auto own = database_->query("SELECT text_bytes FROM runs WHERE key = ?", run.key); own.next())
            run.bytes = static_cast<std::uint64_t>(own.integer(0));
        auto rows = database_->query("SELECT file, bytes FROM file_uses JOIN files ON files.key = file WHERE run = ?", run.key);
        while (rows.next())
            if (seen.insert(rows.integer(0)).second) run.bytes += static_cast<std::uint64_t>(rows.integer(1));
    }
}

void Pruner::doom(const PastRun& run) {
    auto rows = database_->query("SELECT target_count, text_bytes FROM runs WHERE key = ?", run.key);
    const bool known = rows.next();
    const auto nodes = known ? static_cast<std::size_t>(rows.integer(0)) : 0;
    doomed_.push_back({run.key, nodes, known ? static_cast<std::size_t>(rows.integer(1)) : 0});
    ++report_.runs;
    report_.nodes += nodes;
}

void Pruner::decide(const PruneLimits& limits, Instant now) {
    thorough_ = limits.thorough;
    Transaction snapshot(*database_, Transaction::Kind::read);
    std::int64_t stored = 0;
    if (auto rows = database_->query("SELECT (SELECT coalesce(sum(text_bytes), 0) FROM runs) + (SELECT coalesce(sum(bytes), 0) FROM files)"); rows.next()) stored = rows.integer(0);
    const bool too_much = !limits.only && limits.bytes > 0 && static_cast<std::uint64_t>(stored) > limits.bytes;
    std::vector<PastRun> stay;
    for (const auto& job : jobs(limits)) {
        const auto allowed = limits.of_job(job);
        auto runs = runs_of(job);
        report_.looked += runs.size();
        if (!job.empty()) mark_needed(runs);
        if (allowed.bytes > 0) weigh(runs);
        const auto goes = beyond(runs, allowed, now);
        for (std::size_t i = 0; i < runs.size(); ++i)
            if (goes[i]) doom(runs[i]);
            else if (too_much) stay.push_back(std::move(runs[i]));
    }
    if (too_much) {
        std::ranges::sort(stay, std::greater(), &PastRun::id);
        weigh(stay);
        Retention all;
        all.age = Milliseconds(0);
        all.runs = 0;
        all.bytes = limits.bytes;
        const auto goes = beyond(stay, all, now);
        for (std::size_t i = 0; i < stay.size(); ++i)
            if (goes[i]) doom(stay[i]);
    }
    if (auto done = snapshot.commit(); !done) database_->fail(done.error());
}

Result<void> Pruner::remove_runs() {
    auto turn = FileLock::wait(paths_.write_lock);
    if (!turn) return turn.error();
    Transaction transaction(*database_, Transaction::Kind::write);
    failpoint("prune.decided");
    for (std::size_t weight = 0; weight < limits::prune_nodes && !doomed_.empty(); doomed_.pop_back()) {
        const auto& run = doomed_.back();
        database_->execute("DELETE FROM progress WHERE key BETWEEN ? AND ?", progress_key(run.key, 0), last_progress_key(run.key));
        database_->execute("DELETE FROM file_uses WHERE run = ?", run.key);
        database_->execute("DELETE FROM runs WHERE key = ?", run.key);
        weight += run.nodes + run.text_bytes / page_bytes + 1;
    }
    if (auto done = transaction.commit(); !done) return done;
    failpoint("prune.removed");
    return {};
}

Result<bool> Pruner::step() {
    if (!doomed_.empty()) {
        if (auto removed = remove_runs(); !removed) return removed.error();
        return true;
    }
    if (!sweep_) {
        if (!thorough_ && report_.runs == 0) return false;
        sweep_ = std::make_unique<Sweep>(paths_, *database_, report_);
    }
    return sweep_->step();
}

} // namespace loom
