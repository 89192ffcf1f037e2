#include "core/base/digest.hpp"
#include "core/base/near.hpp"
#include "core/run/history.hpp"
#include "core/run/queries.hpp"
#include "core/run/why.hpp"
#include "core/schedule/planner.hpp"
#include "core/schedule/returning.hpp"
#include "core/time/wall_time.hpp"

#include <algorithm>

namespace loom {
namespace {

/// So many runs back the one is looked for that was in the way of another.
constexpr std::size_t runs_looked_at = 20;

bool started(RunState state) { return state != RunState::skipped && state != RunState::missed; }

/// A job's name is meant where it holds what no run's id does.
bool may_be_id(const std::string& word) {
    return word == "last" || word.find_first_not_of("0123456789abcdef-") == word.npos;
}

/// A run of one node that caught up stands beside the instant's own.
bool of_one_node(Reason reason) { return reason == Reason::node_catch_up; }

/// Of several rows the newest that began counts, else the first; they are not empty.
const DueRun& telling(const std::vector<DueRun>& rows) {
    const auto found = std::find_if(rows.rbegin(), rows.rend(), [](const DueRun& row) { return started(row.state) && !of_one_node(row.reason); });
    return found == rows.rend() ? rows.front() : *found;
}

/// The row of the instant that was asked for, and where the minute holds several what became of each.
Result<void> add_instants(RunStore& store, WhyFacts& facts) {
    const auto from = *facts.at, to = end_of(*facts.at);
    const auto rows = store.due_runs(facts.job, from, to);
    if (!rows) return rows.error();
    std::map<Instant, std::vector<DueRun>> instants;
    for (const auto& row : *rows) instants[row.due].push_back(row);
    if (facts.configured && facts.configured->schedule) {
        const auto& schedule = *facts.configured->schedule;
        for (auto due = next(schedule, from - Milliseconds(1)); due && *due < to; due = next(schedule, *due)) instants[*due];
    }
    for (const auto& [due, its] : instants)
        facts.instants.push_back({due, its.empty() ? std::nullopt : std::optional(telling(its).state)});
    if (rows->empty()) return {};
    auto run = store.run(telling(*rows).run);
    if (!run) return run.error();
    facts.row = std::move(*run);
    return {};
}

Result<std::vector<Run>> runs_of(RunStore& store, const std::string& job, std::size_t most, std::string before = {},
                                 std::optional<RunState> state = {}) {
    RunFilter filter;
    filter.job = job;
    filter.state = state;
    filter.before = std::move(before);
    filter.limit = most;
    return store.runs(filter);
}

/// A job that follows others has no instants: what it and they did about that time. What began then is what was asked for.
Result<void> add_following(RunStore& store, WhyFacts& facts) {
    const auto& job = *facts.configured;
    std::vector<std::string> names{job.name};
    for (const auto& after : job.policy->after) names.push_back(after.job);
    const auto end = uuid_v7_from(end_of(*facts.at).time_since_epoch().count());
    for (const auto& name : names) {
        auto newest = runs_of(store, name, 1, end);
        if (!newest) return newest.error();
        if (!newest->empty()) facts.by_then.push_back(std::move(newest->front()));
    }
    if (facts.by_then.empty()) return {};
    const auto& own = facts.by_then.front();
    if (own.job == job.name && own.started >= *facts.at && (!job.schedule || own.reason == Reason::after)) facts.row = own;
    return {};
}

Result<void> add_neighbours(RunStore& store, WhyFacts& facts) {
    auto running = runs_of(store, facts.job, runs_looked_at, {}, RunState::running);
    if (!running) return running.error();
    facts.in_flight = std::move(*running);
    // A blackout, a pause and a run that is followed are no overlap, whatever ran then.
    if (!facts.row || facts.row->state != RunState::skipped || facts.row->message.find("(overlap: ") == std::string::npos) return {};
    const auto before = runs_of(store, facts.job, runs_looked_at, facts.row->id);
    if (!before) return before.error();
    const auto in_the_way = std::ranges::find_if(*before, [&](const Run& run) {
        return started(run.state) && run.started <= facts.row->started && (!run.finished || *run.finished >= facts.row->started);
    });
    if (in_the_way != before->end()) facts.in_the_way = *in_the_way;
    return {};
}

/// Nodes that the newest run of the schedule did not reach: what they are owed, or were, and who is owed nothing.
Result<void> add_left_out(RunStore& store, WhyFacts& facts) {
    auto left_out = store.left_out(facts.job, Instant());
    if (!left_out) return left_out.error();
    facts.left_out = std::move(*left_out);
    const auto& targets = facts.configured->targets->nodes;
    const auto no_target = [&](const auto& node) { return std::ranges::find(targets, node) == targets.end(); };
    std::erase_if(facts.left_out.nodes, no_target);
    if (facts.left_out.run.empty()) return {};
    const auto results = store.results(facts.left_out.run);
    if (!results) return results.error();
    for (const auto& result : *results)
        if (const auto& outcome = result.outcome; outcome.state == NodeState::unreachable && !may_return(outcome.state, outcome.cause))
            facts.refused.push_back(result.node);
    std::erase_if(facts.refused, no_target);
    return {};
}

void add_job(const Catalog& catalog, const std::map<std::string, JobFacts>& recorded, WhyFacts& facts) {
    facts.configured = catalog.find_job(facts.job);
    if (const auto* problem = problem_of(catalog, facts.job)) facts.problem = problem->place + ": " + problem->message;
    if (const auto found = recorded.find(facts.job); found != recorded.end()) facts.recorded = found->second;
    if (facts.configured && facts.configured->schedule) facts.zone = facts.configured->schedule->zone;
}

} // namespace

Instant end_of(Instant at) {
    using namespace std::chrono;
    return at == floor<minutes>(at) ? at + minutes(1) : at + seconds(1);
}

Result<WhyFacts> why_facts(RunStore& store, CatalogPtr catalog, const WhyQuery& query, Instant now) {
    WhyFacts facts;
    facts.catalog = std::move(catalog);
    facts.now = now;
    facts.job = query.subject;
    facts.zone = facts.catalog->zone;
    const auto recorded = store.facts();
    if (!recorded) return recorded.error();
    add_job(*facts.catalog, *recorded, facts);

    if (!facts.configured && facts.problem.empty() && !facts.recorded) {
        if (!query.at.empty() || !may_be_id(query.subject)) return no_job(*facts.catalog, query.subject);
        auto run = look_up_run(store, query.subject);
        if (!run) return run.error();
        facts.job = run->job;
        facts.row = std::move(*run);
        if (!facts.job.empty()) add_job(*facts.catalog, *recorded, facts);
    } else if (!query.at.empty()) {
        const auto at = parse_wall_time(query.at, *facts.zone, now);
        if (!at) return usage_error(query.subject + "@" + query.at + ": " + at.error().message);
        facts.at = *at;
        if (auto added = add_instants(store, facts); !added) return added.error();
        if (!facts.row && facts.configured && !facts.configured->policy->after.empty())
            if (auto added = add_following(store, facts); !added) return added.error();
    } else {
        auto newest = runs_of(store, facts.job, runs_looked_at);
        if (!newest) return newest.error();
        auto own = std::ranges::find_if_not(*newest, of_one_node, &Run::reason);
        if (own != newest->end()) {
            facts.row = std::move(*own);
        } else if (!newest->empty()) { // a rack has come back: the run that its nodes make up for tells more
            auto made_up = store.run(newest->front().of);
            facts.row = made_up ? std::move(*made_up) : std::move(newest->front());
        }
    }
    if (facts.job.empty()) return facts;
    const auto pauses = store.pauses();
    if (!pauses) return pauses.error();
    facts.pauses = PauseTable(*pauses).of(facts.job);
    if (facts.configured && facts.configured->policy->catch_up_nodes)
        if (auto added = add_left_out(store, facts); !added) return added.error();
    if (facts.row && facts.row->due) {
        const auto same = store.due_runs(facts.job, *facts.row->due, *facts.row->due + Milliseconds(1));
        if (!same) return same.error();
        facts.made_up = static_cast<std::size_t>(std::ranges::count_if(*same, of_one_node, &DueRun::reason));
    }
    if (auto added = add_neighbours(store, facts); !added) return added.error();
    return facts;
}

Result<WhyView> answer_why(RunStore& store, CatalogPtr catalog, const WhyQuery& query, Instant now, const WhyAnswerer& by) {
    auto facts = why_facts(store, std::move(catalog), query, now);
    if (!facts) return facts.error();
    facts->serving = by.serving;
    facts->refusing = by.refusing;
    return why(*facts);
}

awaitable<Result<WhyView>> ask_why(Journal& journal, CatalogPtr catalog, WhyQuery query, Instant now, WhyAnswerer by) {
    auto ask = [catalog = std::move(catalog), query = std::move(query), now, by = std::move(by)](RunStore& store) {
        return answer_why(store, catalog, query, now, by);
    };
    co_return co_await journal.read(std::move(ask));
}

} // namespace loom
