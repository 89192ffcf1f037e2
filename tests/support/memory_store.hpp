#pragma once
#include "core/base/limits.hpp"
#include "core/run/run_store.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>

namespace loom {

/// RunStore in memory, for tests of what stands on it. Any thread. What a test can do to it: `break_with` makes every
/// call fail, as a full disk does, until it is called with nothing; `refuse` fails the next so many commits only;
/// `fill_up` fails all commits after the next so many; `abandon` makes orphans of what is running.
class MemoryStore final : public RunStore {
public:
    void break_with(std::optional<Error> error) {
        const std::scoped_lock lock(mutex_);
        broken_ = std::move(error);
    }
    void refuse(std::size_t commits) {
        const std::scoped_lock lock(mutex_);
        refused_ = commits;
    }
    void fill_up(std::size_t commits) {
        const std::scoped_lock lock(mutex_);
        room_ = commits;
    }
    /// Blocks until so many commits have failed.
    void wait_for_refusals(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return refusals_ >= count; });
    }
    /// Commits are answered and change nothing, as those of a process that is dead already.
    void forget_commits(bool forget) {
        const std::scoped_lock lock(mutex_);
        forgetful_ = forget;
    }
    bool forgets() {
        const std::scoped_lock lock(mutex_);
        return forgetful_;
    }
    /// Blocks until a schedule of the job was seen.
    void wait_for_schedule(const std::string& job) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return schedules_.contains(job); });
    }
    /// Blocks until the job has a row for the instant.
    void wait_for_row(const std::string& job, Instant due) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
            return std::ranges::any_of(runs_, [&](const auto& entry) { return entry.second.run.job == job && entry.second.run.due == due; });
        });
    }
    /// Blocks until this process was told of a node that is owed a run by the job, or was told anything at all of it.
    void wait_for_left_out(const std::string& job) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return told_left_out_.contains(job) && !told_left_out_[job].nodes.empty(); });
    }
    void wait_for_question(const std::string& job) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return told_left_out_.contains(job); });
    }
    /// How often this process has asked what nodes are owed by the job; blocks until it was so often at least.
    std::size_t questions(const std::string& job, std::size_t least = 0) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return questions_[job] >= least; });
        return questions_[job];
    }
    void abandon() {
        const std::scoped_lock lock(mutex_);
        alive_.clear();
        told_left_out_.clear();
    }

    Result<std::vector<Verdict>> commit(std::span<const Record> batch) override;
    Result<Run> run(const std::string& id) override;
    Result<std::string> spec(const std::string& id) override;
    Result<std::vector<Run>> runs(const RunFilter& filter) override;
    Result<std::vector<NodeResult>> results(const std::string& id) override;
    Result<NodeResult> result(const std::string& id, const std::string& node) override;
    Result<std::vector<OutputGroup>> gathered(const std::string& id) override;
    Result<std::map<std::string, JobFacts>> facts() override;
    Result<std::vector<InFlight>> in_flight(const std::string& job) override;
    Result<std::vector<Upstream>> upstreams() override;
    Result<std::vector<DueRun>> due_runs(const std::string& job, Instant from, Instant to) override;
    Result<LeftOut> left_out(const std::string& job, Instant since) override;
    Result<std::vector<Milliseconds>> durations(const std::string& job, std::size_t most) override;
    Result<std::vector<Pause>> pauses() override;
    Result<std::optional<std::string>> delivered(const Delivery& delivery, Instant now) override;
    Result<std::vector<std::string>> orphans() override;
    Result<std::optional<KnownRequest>> requested(const std::string& key) override {
        const std::scoped_lock lock(mutex_);
        if (broken_) return *broken_;
        const auto found = requests_.find(key);
        if (found == requests_.end()) return std::optional<KnownRequest>();
        return std::optional(found->second.second);
    }

private:
    struct Entry {
        Run run;
        std::vector<NodeResult> nodes; ///< one per target
        std::size_t number = 0;        ///< in the order of recording
    };
    Verdict apply(const RunCreated& record);
    Verdict apply(const RunBegan& record);
    Verdict apply(const NodesStarted& record);
    Verdict apply(const NodeFinished& record);
    Verdict apply(const RunFinished& record);
    Verdict apply(const RunNoted& record);
    Verdict apply(const ScheduleSeen& record);
    void owe(const Run& run, const std::vector<std::string>& followers) {
        for (const auto& follower : followers) upstreams_[{follower, run.job}] = run.id;
    }
    Verdict apply(const JobPaused& record);
    Verdict apply(const JobResumed& record);

    Entry* open(const std::string& id) {
        const auto found = runs_.find(id);
        return found != runs_.end() && !terminal(found->second.run.state) ? &found->second : nullptr;
    }
    /// Of the job, in the order of recording.
    std::vector<const Entry*> open_of(const std::string& job) const {
        std::vector<const Entry*> found;
        for (const auto& [id, entry] : runs_)
            if (entry.run.job == job && !terminal(entry.run.state)) found.push_back(&entry);
        std::ranges::sort(found, {}, &Entry::number);
        return found;
    }
    static void close_nodes(Entry& entry);
    static Run counted(const Entry& entry);
    static Error no_run(const std::string& id) { return not_found("no run \"" + id + "\""); }

    std::mutex mutex_;
    std::map<std::string, Entry> runs_;
    std::map<std::string, ScheduleSeen> schedules_;
    std::map<std::pair<std::string, std::string>, std::string> upstreams_; ///< follower and job → run
    std::map<std::string, std::uint32_t> started_; ///< by job: for its schedule, since its text was seen
    std::vector<Pause> pauses_;
    std::map<std::pair<std::string, std::string>, std::pair<std::string, Instant>> deliveries_; ///< hook and id → run
    std::set<std::string> alive_;
    std::map<std::string, std::pair<Instant, KnownRequest>> requests_;
    std::optional<Error> broken_;
    std::size_t recorded_ = 0; ///< runs
    std::size_t refused_ = 0, refusals_ = 0, room_ = SIZE_MAX;
    bool forgetful_ = false;
    std::map<std::string, LeftOut> told_left_out_; ///< by job: the last answer
    std::map<std::string, std::size_t> questions_; ///< that it answers, by job
    std::condition_variable changed_;
};

inline Result<std::vector<Verdict>> MemoryStore::commit(std::span<const Record> batch) {
    const std::scoped_lock lock(mutex_);
    if (broken_) return *broken_;
    if (refused_ > 0 || room_ == 0) {
        if (refused_ > 0)
            --refused_;
        ++refusals_;
        changed_.notify_all();
        return Error{Errc::unavailable, "no space left on device"};
    }
    if (forgetful_)
        return std::vector(batch.size(), Verdict::recorded);
    --room_;
    std::vector<Verdict> verdicts;
    for (const auto& record : batch)
        verdicts.push_back(std::visit([this](const auto& each) { return apply(each); }, record));
    changed_.notify_all();
    return verdicts;
}

inline Verdict MemoryStore::apply(const RunCreated& record) {
    const auto& run = record.run;
    std::erase_if(requests_, [&](const auto& one) { return one.second.first < run.started - limits::requests_kept; });
    if (!record.request_key.empty() && requests_.contains(record.request_key)) return Verdict::duplicate;
    std::erase_if(deliveries_, [&](const auto& one) { return one.second.second <= run.started - limits::delivery_kept; });
    if (record.delivery && deliveries_.contains({record.delivery->hook, record.delivery->id})) return Verdict::duplicate;
    for (const auto& settled : run.upstream)
        std::erase_if(upstreams_, [&](const auto& one) { return one.first.first == run.job && one.second == settled; });
    for (const auto& [id, entry] : runs_)
        if (id == run.id || (run.claim && entry.run.job == run.job && entry.run.claim == run.claim))
            return Verdict::duplicate;
    if (record.ends && apply(*record.ends) == Verdict::duplicate)
        return Verdict::duplicate;
    if (record.exclusive && !open_of(run.job).empty())
        return Verdict::overlaps;
    const bool ran = run.state != RunState::skipped && run.state != RunState::missed;
    if (run.due && ran && (run.reason == Reason::cron || run.reason == Reason::catch_up) && schedules_.contains(run.job))
        ++started_[run.job];
    if (!record.request_key.empty()) requests_[record.request_key] = {run.started, {record.request_digest, run.id}};
    if (record.delivery) deliveries_[{record.delivery->hook, record.delivery->id}] = {run.id, run.started};
    auto& entry = runs_[run.id];
    entry.run = run;
    entry.number = ++recorded_;
    for (const auto& name : run.targets) {
        auto& node = entry.nodes.emplace_back();
        node.index = static_cast<std::uint32_t>(entry.nodes.size() - 1);
        node.node = name;
        node.outcome.state = NodeState::queued;
    }
    if (!terminal(run.state))
        alive_.insert(run.id);
    else {
        close_nodes(entry);
        owe(run, record.followers);
    }
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const RunBegan& record) {
    auto* entry = open(record.run);
    if (!entry || entry->run.state != RunState::waiting)
        return Verdict::duplicate;
    for (const auto* other : open_of(entry->run.job))
        if (other->run.state == RunState::running || other->number < entry->number)
            return Verdict::overlaps;
    entry->run.state = RunState::running;
    entry->run.started = record.at;
    entry->run.message.clear();
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const NodesStarted& record) {
    auto* entry = open(record.run);
    if (!entry)
        return Verdict::duplicate;
    for (const auto index : record.indices) {
        if (index >= entry->nodes.size())
            continue;
        auto& node = entry->nodes[index];
        if (!node.started)
            node.started = record.at;
        if (node.outcome.state == NodeState::queued)
            node.outcome.state = NodeState::running;
    }
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const NodeFinished& record) {
    auto* entry = open(record.run);
    if (!entry || record.result.index >= entry->nodes.size())
        return Verdict::duplicate;
    auto& node = entry->nodes[record.result.index];
    if (terminal(node.outcome.state))
        return Verdict::duplicate;
    auto result = record.result;
    result.node = node.node;
    if (!result.started)
        result.started = node.started;
    node = std::move(result);
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const RunFinished& record) {
    auto* entry = open(record.run);
    if (!entry)
        return Verdict::duplicate;
    entry->run.state = record.state;
    entry->run.finished = record.at;
    entry->run.message = record.message;
    close_nodes(*entry);
    alive_.erase(record.run);
    owe(entry->run, record.followers);
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const RunNoted& record) {
    auto* entry = open(record.run);
    if (!entry)
        return Verdict::duplicate;
    entry->run.note = record.note;
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const ScheduleSeen& record) {
    const auto [seen, is_new] = schedules_.try_emplace(record.job, record);
    if (!is_new && seen->second.text != record.text) {
        seen->second = record;
        started_.erase(record.job);
    }
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const JobPaused& record) {
    const auto& fresh = record.pause;
    std::vector<Pause> kept; // the newest of each job
    std::size_t same_job = 0;
    for (auto pause = pauses_.rbegin(); pause != pauses_.rend(); ++pause) {
        if (pause->job == fresh.job && pause->in_force(fresh.since)) {
            *pause = {pause->job, pause->since, fresh.until, {}, fresh.reason, fresh.by};
            return Verdict::recorded;
        }
        if (pause->job != fresh.job || ++same_job <= limits::pauses_kept) kept.insert(kept.begin(), *pause);
    }
    pauses_ = std::move(kept);
    pauses_.push_back(fresh);
    return Verdict::recorded;
}

inline Verdict MemoryStore::apply(const JobResumed& record) {
    for (auto& pause : pauses_)
        if (pause.job == record.job && pause.in_force(record.at)) {
            pause.resumed = record.at;
            return Verdict::recorded;
        }
    return Verdict::duplicate;
}

inline void MemoryStore::close_nodes(Entry& entry) {
    for (auto& node : entry.nodes) {
        if (terminal(node.outcome.state))
            continue;
        node.outcome.state = node.outcome.state == NodeState::running ? NodeState::interrupted : NodeState::not_started;
        node.outcome.message = entry.run.message;
        node.finished = entry.run.finished;
    }
}

inline Run MemoryStore::counted(const Entry& entry) {
    auto run = entry.run;
    run.target_count = static_cast<std::uint32_t>(run.targets.size());
    run.counts = {};
    for (const auto& node : entry.nodes)
        ++run.counts[static_cast<std::size_t>(node.outcome.state)];
    run.targets.clear();
    run.spec.clear();
    return run;
}

} // namespace loom

#include "support/memory_store_reads.hpp"
