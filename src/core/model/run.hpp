#pragma once
#include "core/model/job.hpp"
#include "core/model/outcome.hpp"
#include "core/time/instant.hpp"

#include <memory>

namespace loom {

/// What made the run. `check`: somebody asked what a job or a task would do. `missed` and `overlap` rows record that something did not run.
enum class Reason : std::uint8_t { cron, catch_up, manual, exec, retry, rerun, after, backfill, node_catch_up, webhook, check };

std::string_view to_string(Reason reason);
std::optional<Reason> parse_reason(std::string_view text);

/// A run's row: written before its first packet, finished once.
struct Run {
    std::string id; ///< UUIDv7
    std::string job; ///< empty for exec
    std::optional<Instant> due; ///< the nominal instant that it stands for
    std::optional<std::string> claim; ///< with `job`, unique: see claim_of; none where nothing says that it may be only once
    Reason reason = Reason::manual;
    std::string by; ///< `schedule`, `user:anna`
    RunState state = RunState::running;
    Instant started{};
    std::optional<Instant> finished;
    std::string message; ///< why it was skipped or missed, or ended as a whole
    std::string task;    ///< what ran, for people: the command text, or the task's name
    std::string catalog; ///< the catalog's digest
    std::string of;      ///< the run that this one is a retry or a rerun of
    std::vector<std::string> upstream; ///< the runs that this one follows (`after`)
    std::string trace;   ///< the W3C traceparent of what asked for it; empty: none
    boost::json::object params; ///< what a webhook gave its task
    std::string note;    ///< what was found of it while it went on: that it is overdue
    std::string spec;    ///< what a retry repeats, as JSON (core/run/retry.hpp); not in what is read, see RunStore::spec
    std::uint32_t target_count = 0;
    std::vector<std::string> targets; ///< frozen, in order: a node's index in the run is its place here; not in what is read
    Counts counts{};
};

/// A webhook's delivery: it makes one run, however often it comes.
struct Delivery {
    std::string hook, id;
};

/// What a run of this nominal instant claims, so that nothing runs twice for it: cron and catch-up do.
std::string claim_of(Instant due);
/// The same of one node's own run for the instant.
std::string claim_of(Instant due, const std::string& node);
/// The same of a run that follows these.
std::string claim_of(const std::vector<std::string>& upstream);

/// One node's row of a run: its state, and its outcome once terminal (outputs are stored apart).
struct NodeResult {
    std::uint32_t index = 0;
    std::string node;
    Outcome outcome;
    int attempts = 0;
    std::optional<Instant> started;
    std::optional<Instant> finished;
};

} // namespace loom
