#include "core/run/returning.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/run/scheduler.hpp"

#include <algorithm>
#include <iterator>

namespace loom {
namespace {

/// Nodes that are looked for at once.
constexpr std::size_t looks_most = 64;
/// Runs that are started at once when a rack comes back: each is one of its own.
constexpr std::size_t made_up_at_once = 256;

} // namespace

Returning::Returning(const EngineParts& parts, Journal& journal, Dispatcher& dispatcher, const Executor& strand, Bell bell)
    : parts_(parts), journal_(journal), dispatcher_(dispatcher), looks_(strand), bell_(std::move(bell)) {
    dispatcher_.awaited().when_reached = [bell = bell_] { bell.ring(); };
}

void Returning::ask(const std::string& job) {
    const std::lock_guard lock(mutex_);
    asked_.insert(job);
}

void Returning::ask_all(const Catalog& catalog) {
    for (const auto& job : catalog.jobs)
        if (job.policy->catch_up_nodes) ask(job.name);
    // What a former catalog's jobs are owed is theirs no more.
    std::set<std::string> gone;
    for (const auto& [node, absent] : absent_)
        for (const auto& [name, owed] : absent.jobs)
            if (const auto* job = catalog.find_job(name); !job || !job->policy->catch_up_nodes) gone.insert(name);
    for (const auto& job : gone) forget(job);
    const std::lock_guard lock(mutex_);
    refusing_.clear(); // each that is still owed something is looked for again
}

std::set<std::string> Returning::refusing() const {
    const std::lock_guard lock(mutex_);
    return refusing_;
}

awaitable<void> Returning::settle(CatalogPtr catalog, const PauseTable& pauses, StopToken stop) {
    std::set<std::string> asked;
    {
        const std::lock_guard lock(mutex_);
        asked.swap(asked_);
    }
    std::set<std::string> looked_up;
    for (const auto& job : asked) {
        const bool read = co_await look_up(catalog, job);
        if (read) looked_up.insert(job);
        else ask(job);
    }
    if (absent_.empty()) co_return;
    take_looks();
    auto starts = ready(*catalog, pauses, parts_.clock->now());
    if (!starts.empty()) co_await make_up(catalog, std::move(starts), std::move(looked_up));
    look_for(*catalog, parts_.clock->now(), stop);
}

awaitable<void> Returning::join() { co_await looks_.join(); }

awaitable<bool> Returning::look_up(CatalogPtr catalog, std::string name) {
    const auto* job = catalog->find_job(name);
    if (!job || !job->policy->catch_up_nodes) {
        forget(name);
        co_return true;
    }
    const auto now = parts_.clock->now();
    const auto since = now - job->policy->catch_up_window;
    auto ask = [name, since](RunStore& store) { return store.left_out(name, since); };
    auto read = co_await journal_.read(std::move(ask));
    if (!read) co_return false;
    take_over(*job, std::move(*read), now);
    co_return true;
}

/// What the ledger says counts, and nothing from before.
void Returning::take_over(const Job& job, LeftOut left_out, Instant now) {
    const std::set<std::string> targets(job.targets->nodes.begin(), job.targets->nodes.end());
    std::set<std::string> owed;
    std::ranges::set_intersection(left_out.nodes, targets, std::inserter(owed, owed.end()));
    std::vector<std::string> gone;
    for (const auto& [node, absent] : absent_)
        if (absent.jobs.contains(job.name) && !owed.contains(node)) gone.push_back(node);
    for (const auto& node : gone) drop(node, job.name);
    for (const auto& node : owed) {
        auto [absent, is_new] = absent_.try_emplace(node);
        absent->second.jobs[job.name] = {left_out.run, left_out.due};
        if (!is_new) continue;
        absent->second.next = now + look_again_after(0);
        dispatcher_.awaited().add(node);
        const std::lock_guard lock(mutex_);
        refusing_.erase(node);
    }
}

void Returning::forget(const std::string& job) {
    std::vector<std::string> nodes;
    for (const auto& [node, absent] : absent_)
        if (absent.jobs.contains(job)) nodes.push_back(node);
    for (const auto& node : nodes) drop(node, job);
}

void Returning::drop(const std::string& node, const std::string& job) {
    const auto found = absent_.find(node);
    if (found == absent_.end()) return;
    found->second.jobs.erase(job);
    if (!found->second.jobs.empty()) return;
    absent_.erase(found);
    dispatcher_.awaited().remove(node);
}

/// What looks and runs have found out since.
void Returning::take_looks() {
    std::vector<Looked> looked;
    {
        const std::lock_guard lock(mutex_);
        looked.swap(looked_);
    }
    for (auto& node : dispatcher_.awaited().take()) looked.push_back({std::move(node), true, false});
    for (const auto& [node, back, hopeless] : looked) {
        const auto found = absent_.find(node);
        if (found == absent_.end()) continue;
        auto& absent = found->second;
        if (hopeless) {
            logs::schedule.info({.node = node}, "it answers and refuses: it is not looked for any more");
            absent_.erase(found);
            dispatcher_.awaited().remove(node);
            const std::lock_guard lock(mutex_);
            refusing_.insert(node);
            continue;
        }
        if (back && !absent.back) logs::schedule.info({.node = node}, "it is back");
        absent.back = absent.back || back;
        absent.looking = false;
    }
}

/// What may start now. What it is too late for is forgotten.
std::vector<Returning::Start> Returning::ready(const Catalog& catalog, const PauseTable& pauses, Instant now) {
    std::vector<Start> starts, late;
    std::set<std::string> begin; // of those whose runs are not to meet one begins at a time
    for (const auto& [node, absent] : absent_) {
        for (const auto& [name, owed] : absent.jobs) {
            const auto* job = catalog.find_job(name);
            if (!job || now > made_up_until(*job, owed.due)) {
                late.push_back({node, name, owed});
                continue;
            }
            if (!absent.back || starts.size() >= made_up_at_once) continue;
            Facts facts;
            facts.pauses = pauses.of(name);
            if (!may_make_up(*job, owed.due, now, facts)) continue;
            const bool alone = overlap_of_runs(*job) != Overlap::allow;
            if (alone && (dispatcher_.in_flight(name) || !begin.insert(name).second)) continue;
            starts.push_back({node, name, owed});
        }
    }
    for (const auto& [node, job, owed] : late) drop(node, job);
    return starts;
}

awaitable<void> Returning::make_up(CatalogPtr catalog, std::vector<Start> starts, std::set<std::string> looked_up) {
    // A run may have begun since, or may be what has just reached the node: then nothing is owed any more.
    std::set<std::string> jobs;
    for (const auto& start : starts)
        if (!looked_up.contains(start.job)) jobs.insert(start.job);
    for (const auto& job : jobs) {
        const bool read = co_await look_up(catalog, job);
        if (!read) co_return;
    }
    const auto executor = co_await asio::this_coro::executor;
    Scope starting(executor);
    for (const auto& start : starts) {
        const auto absent = absent_.find(start.node);
        if (absent == absent_.end()) continue;
        const auto owed = absent->second.jobs.find(start.job);
        if (owed == absent->second.jobs.end() || owed->second.due != start.owed.due) continue;
        auto one = [this, start, catalog]() -> awaitable<void> {
            const bool begun = co_await fire(catalog, start.node, start.job, start.owed);
            if (begun) drop(start.node, start.job);
        };
        starting.spawn(std::move(one));
    }
    co_await starting.join();
}

/// False: it is to be tried again.
awaitable<bool> Returning::fire(CatalogPtr catalog, std::string node, std::string name, Owed owed) {
    const auto* job = catalog->find_job(name);
    Firing firing;
    firing.job = name;
    firing.due = owed.due;
    firing.claim = claim_of(owed.due, node);
    firing.reason = Reason::node_catch_up;
    firing.by = "schedule";
    firing.label = describe_task(*job->task);
    firing.of = owed.run;
    firing.overlap = overlap_of_runs(*job);
    firing.on_empty = job->policy->on_empty;
    firing.plan = plan_of(*job, catalog, {node});
    firing.plan.made_up = firing.overlap != Overlap::allow; // the next node waits for its end
    failpoint("return.deciding");
    const auto run = co_await dispatcher_.fire(std::move(firing));
    failpoint("return.decided");
    if (run) co_return true;
    logs::schedule.info({.job = name, .node = node}, "{}", run.error().message);
    if (run.error().code != Errc::conflict) co_return false;
    ask(name); // it has its run already, or another run has begun meanwhile: the ledger knows which
    co_return false;
}

void Returning::look_for(const Catalog& catalog, Instant now, StopToken stop) {
    if (looks_.live() >= looks_most) return;
    std::vector<AwayNode> waiting;
    for (auto& [name, absent] : absent_) {
        absent.next = std::min(absent.next, now + look_again_after(absent.looks)); // the clock may have been set back
        if (absent.looking || absent.back || absent.next > now) continue;
        if (catalog.find_node(name) && catalog.find_job(absent.jobs.begin()->first)) waiting.push_back({name, absent.next});
    }
    for (const auto& name : whose_turn(std::move(waiting), now, looks_most - looks_.live())) {
        auto& absent = absent_.at(name);
        const auto* node = catalog.find_node(name);
        const auto* job = catalog.find_job(absent.jobs.begin()->first);
        absent.looking = true;
        absent.next = now + look_again_after(++absent.looks);
        auto work = [this, node = *node, timeout = job->policy->timeout, stop]() -> awaitable<void> {
            co_await look(node, timeout, stop);
        };
        looks_.spawn(parts_.strands.of(name), std::move(work));
    }
}

/// A login, so that a machine which still boots does not count; what it opened is kept for the run that follows.
awaitable<void> Returning::look(Node node, Timeouts timeout, StopToken stop) {
    Looked looked;
    looked.node = node.name;
    const auto refused = co_await dispatcher_.look_for(std::move(node), timeout, stop);
    looked.back = !refused;
    looked.hopeless = refused && !may_return(NodeState::unreachable, *refused);
    {
        const std::lock_guard lock(mutex_);
        looked_.push_back(std::move(looked));
    }
    bell_.ring();
}

} // namespace loom
