#pragma once
#include "support/memory_store.hpp"

// What the store in memory answers.

namespace loom {

inline Result<Run> MemoryStore::run(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    if (id.size() < 4)
        return usage_error("\"" + id + "\": a run's id needs its first 4 characters at least");
    const auto first = runs_.lower_bound(id);
    if (first == runs_.end() || !first->first.starts_with(id))
        return no_run(id);
    const auto second = std::next(first);
    if (first->first != id && second != runs_.end() && second->first.starts_with(id))
        return Error{Errc::conflict, "several runs begin with \"" + id + "\""};
    return counted(first->second);
}

inline Result<std::string> MemoryStore::spec(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    const auto found = runs_.find(id);
    if (found == runs_.end()) return no_run(id);
    return found->second.run.spec;
}

inline Result<std::vector<Run>> MemoryStore::runs(const RunFilter& filter) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    std::vector<Run> found;
    for (auto entry = runs_.rbegin(); entry != runs_.rend(); ++entry) {
        const auto& run = entry->second.run;
        if (found.size() == std::min(filter.limit, limits::page_items))
            break;
        if (!filter.job.empty() && run.job != filter.job)
            continue;
        if (filter.state && run.state != *filter.state)
            continue;
        if (!filter.before.empty() && run.id >= filter.before)
            continue;
        found.push_back(counted(entry->second));
    }
    return found;
}

inline Result<std::vector<NodeResult>> MemoryStore::results(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    const auto found = runs_.find(id);
    if (found == runs_.end()) return no_run(id);
    auto nodes = found->second.nodes;
    for (auto& node : nodes)
        node.outcome.out = node.outcome.err = Output();
    return nodes;
}

inline Result<NodeResult> MemoryStore::result(const std::string& id, const std::string& node) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    const auto found = runs_.find(id);
    if (found == runs_.end()) return no_run(id);
    for (const auto& result : found->second.nodes)
        if (result.node == node)
            return result;
    return not_found("run " + id + " has no node \"" + node + "\"");
}

inline Result<std::vector<OutputGroup>> MemoryStore::gathered(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    const auto found = runs_.find(id);
    if (found == runs_.end()) return no_run(id);
    std::vector<OutputGroup> groups;
    for (const auto& node : found->second.nodes) {
        if (!terminal(node.outcome.state))
            continue;
        auto outcome = node.outcome;
        outcome.survivors.clear();
        auto group =
            std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.outcome == outcome; });
        if (group == groups.end())
            group = groups.insert(groups.end(), {{}, std::move(outcome)});
        group->nodes.push_back(node.node);
    }
    std::stable_sort(groups.begin(), groups.end(), [](const OutputGroup& a, const OutputGroup& b) {
        const bool a_good = succeeded(a.outcome.state), b_good = succeeded(b.outcome.state);
        return a_good != b_good ? b_good : a.nodes.size() > b.nodes.size();
    });
    return groups;
}

inline Result<std::map<std::string, JobFacts>> MemoryStore::facts() {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    std::map<std::string, JobFacts> facts;
    for (const auto& [id, entry] : runs_) {
        const auto& run = entry.run;
        if (run.job.empty())
            continue;
        auto& fact = facts[run.job];
        if (run.due && run.claim)
            fact.last_due = std::max(fact.last_due, run.due);
        if (run.state == RunState::skipped || run.state == RunState::missed || run.reason == Reason::node_catch_up)
            continue;
        fact.last_run = id;
        fact.last_state = run.state;
        fact.last_started = run.started;
    }
    for (const auto& [job, seen] : schedules_) {
        facts[job].schedule_text = seen.text;
        facts[job].since = seen.at;
        if (const auto started = started_.find(job); started != started_.end()) facts[job].started = started->second;
    }
    return facts;
}

inline Result<std::vector<Pause>> MemoryStore::pauses() {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    auto pauses = pauses_;
    std::ranges::stable_sort(pauses, {}, &Pause::since);
    return pauses;
}

inline Result<std::vector<InFlight>> MemoryStore::in_flight(const std::string& job) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    std::vector<InFlight> runs;
    for (const auto* entry : open_of(job)) runs.push_back({entry->run.id, entry->run.state});
    return runs;
}

inline Result<std::vector<Upstream>> MemoryStore::upstreams() {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    std::vector<Upstream> list;
    for (const auto& [key, id] : upstreams_) {
        const auto& run = runs_.at(id).run;
        list.push_back({key.first, id, key.second, run.state, run.finished.value_or(Instant())});
    }
    return list;
}

inline Result<std::vector<DueRun>> MemoryStore::due_runs(const std::string& job, Instant from, Instant to) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    std::vector<DueRun> list;
    for (const auto& [id, entry] : runs_)
        if (const auto& run = entry.run; run.job == job && run.due && *run.due >= from && *run.due < to)
            list.push_back({*run.due, id, run.state, run.reason});
    std::ranges::stable_sort(list, {}, &DueRun::due);
    return list;
}

inline Result<LeftOut> MemoryStore::left_out(const std::string& job, Instant since) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    const Entry* newest = nullptr;
    for (const auto& [id, entry] : runs_) {
        const auto& run = entry.run;
        const bool scheduled = run.reason == Reason::cron || run.reason == Reason::catch_up;
        const bool ran = run.state != RunState::skipped && run.state != RunState::missed;
        if (run.job == job && run.due && *run.due >= since && scheduled && ran && (!newest || *run.due > *newest->run.due))
            newest = &entry;
    }
    auto& left_out = told_left_out_[job] = {};
    ++questions_[job];
    changed_.notify_all();
    if (!newest) return left_out;
    left_out.run = newest->run.id;
    left_out.due = *newest->run.due;
    if (!terminal(newest->run.state)) return left_out;
    std::set<std::string> nodes;
    for (const auto& node : newest->nodes)
        if (may_return(node.outcome.state, node.outcome.cause)) nodes.insert(node.node);
    for (const auto& [id, entry] : runs_) {
        if (entry.run.job != job || entry.number <= newest->number) continue;
        for (const auto& node : entry.nodes)
            if (was_reached(node.outcome.state) || entry.run.claim == claim_of(left_out.due, node.node)) nodes.erase(node.node);
    }
    left_out.nodes.assign(nodes.begin(), nodes.end());
    return left_out;
}

inline Result<std::vector<Milliseconds>> MemoryStore::durations(const std::string& job, std::size_t most) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    std::vector<Milliseconds> list;
    for (auto entry = runs_.rbegin(); entry != runs_.rend() && list.size() < most; ++entry)
        if (const auto& run = entry->second.run; run.job == job && run.state == RunState::ok && run.finished)
            list.push_back(*run.finished - run.started);
    return list;
}

inline Result<std::optional<std::string>> MemoryStore::delivered(const Delivery& delivery, Instant now) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    const auto found = deliveries_.find({delivery.hook, delivery.id});
    if (found == deliveries_.end() || found->second.second <= now - limits::delivery_kept) return std::optional<std::string>();
    return std::optional(found->second.first);
}

inline Result<std::vector<std::string>> MemoryStore::orphans() {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    std::vector<std::string> orphans;
    for (const auto& [id, entry] : runs_)
        if (!terminal(entry.run.state) && !alive_.contains(id))
            orphans.push_back(id);
    return orphans;
}

} // namespace loom
