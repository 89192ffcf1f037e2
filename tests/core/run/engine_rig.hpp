#pragma once
#include "core/async/block_on.hpp"
#include "core/async/slots.hpp"
#include "core/run/engine.hpp"
#include "support/catalog_texts.hpp"
#include "support/memory_store.hpp"

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <condition_variable>

namespace loom::tests {

/// What a fake node does, in this order.
struct FakeNode {
    std::vector<Unreached> refusals; ///< one for each try, before it lets anybody in
    std::size_t admits = SIZE_MAX;   ///< connections; then it refuses
    std::vector<int> exits = {0};    ///< of each run of its task; the last one stays
    bool hold = false;               ///< its task waits until the fleet opens, or is stopped
    std::string prints, prints_then; ///< to standard output: before and after it may wait
};

inline Unreached unreached(Cause cause, bool retry = false) {
    Unreached why;
    why.cause = cause;
    why.phase = Phase::connect;
    why.message = std::string(to_string(cause));
    why.retry = retry;
    return why;
}

/// A Connector without a network. A test fills in its nodes before it starts a run; an unknown node is well.
class FakeFleet final : public Connector {
public:
    awaitable<Connected> connect(Node node, Timeouts, StopToken stop, std::function<void(Phase)> entered) override {
        if (entered) entered(Phase::connect);
        if (entered) entered(Phase::handshake);
        Connected connected;
        const std::lock_guard lock(mutex_);
        dialled_.push_back(node.name);
        auto& state = states_[node.name];
        const auto& refusals = nodes[node.name].refusals;
        if (stop.requested()) connected.unreached = unreached(Cause::none);
        else if (state.tries < refusals.size()) connected.unreached = refusals[state.tries++];
        else if (state.admitted++ >= nodes[node.name].admits) connected.unreached = unreached(Cause::refused);
        else connected.remote = std::make_unique<FakeRemote>(*this, node.name);
        changed_.notify_all();
        co_return connected;
    }

    /// Lets those that hold go on, and all later ones.
    void open() { gate_.resize(1'000'000); }
    /// Has those that begin from now on wait again.
    void shut() { gate_.resize(0); }
    /// Blocks until so many tasks hold at once, having printed what they print before.
    void wait_for_holding(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return holding_ >= count; });
    }
    /// Blocks until the node was dialled so often.
    void wait_for_dials(const std::string& node, std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return static_cast<std::size_t>(std::ranges::count(dialled_, node)) >= count; });
    }
    std::vector<std::string> dialled() {
        const std::lock_guard lock(mutex_);
        return dialled_;
    }
    std::size_t most_at_once() {
        const std::lock_guard lock(mutex_);
        return most_;
    }

    /// How often the node got each command; not from a process that is dead.
    std::map<std::string, int> commands(const std::string& node) {
        const std::lock_guard lock(mutex_);
        return commands_[node];
    }

    std::map<std::string, FakeNode> nodes;
    std::function<bool()> dead; ///< whether who dials is dead, by now; empty: never

private:
    struct State {
        std::size_t tries = 0, admitted = 0, runs = 0;
    };

    class FakeRemote final : public Remote {
    public:
        FakeRemote(FakeFleet& fleet, std::string name) : fleet_(fleet), name_(std::move(name)) {}
        awaitable<Outcome> exec(ExecRequest request, StopToken stop) override {
            fleet_.note(name_, request.command);
            return fleet_.exec(name_, std::move(stop), std::move(request.output));
        }
        awaitable<Outcome> put(PutRequest, StopToken stop) override { return fleet_.exec(name_, std::move(stop), {}); }
        awaitable<Outcome> get(GetRequest, StopToken stop) override { return fleet_.exec(name_, std::move(stop), {}); }
        awaitable<void> close() override { co_return; }

    private:
        FakeFleet& fleet_;
        std::string name_;
    };

    void note(const std::string& name, const std::string& command) {
        if (dead && dead()) return;
        const std::lock_guard lock(mutex_);
        ++commands_[name][command];
    }

    awaitable<Outcome> exec(std::string name, StopToken stop, std::shared_ptr<OutputBuffer> output) {
        if (!output) output = std::make_shared<OutputBuffer>();
        Outcome outcome;
        outcome.phase = Phase::command;
        bool hold = false;
        std::string then;
        {
            const std::lock_guard lock(mutex_);
            output->add(false, nodes[name].prints);
            then = nodes[name].prints_then;
            most_ = std::max(most_, ++working_);
            const auto& exits = nodes[name].exits;
            auto& runs = states_[name].runs;
            outcome.exit_status = exits[std::min(runs++, exits.size() - 1)];
            hold = nodes[name].hold;
            if (hold) ++holding_;
            changed_.notify_all();
        }
        outcome.state = *outcome.exit_status == 0 ? NodeState::ok : NodeState::failed;
        if (hold) {
            const auto opened = co_await gate_.acquire(stop);
            if (!opened) outcome.state = stop.reason() == StopReason::cancelled ? NodeState::cancelled : NodeState::interrupted;
        }
        output->add(false, then);
        output->finish(outcome);
        const std::lock_guard lock(mutex_);
        if (hold) --holding_;
        --working_;
        co_return outcome;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    Slots gate_{0};
    std::map<std::string, State> states_;
    std::vector<std::string> dialled_;
    std::map<std::string, std::map<std::string, int>> commands_;
    std::size_t working_ = 0, most_ = 0, holding_ = 0;
};

/// Time stands until a test moves it.
class StandingClock final : public Clock {
public:
    Instant now() const override { return Instant(Milliseconds(now_.load())); }
    void move(Milliseconds by) { now_ += by.count(); }

private:
    std::atomic<std::int64_t> now_{1'769'846'700'000}; // 2026-01-31T08:05:00Z
};

/// An engine over a store in memory and a fake fleet.
class EngineRig {
public:
    explicit EngineRig(std::string jobs, std::string nodes = "n[01-10]:\n", std::string settings = {}) {
        auto texts = catalog_texts("jobs:\n" + jobs, std::move(nodes));
        texts.settings.text += settings;
        auto built = build_catalog(texts);
        if (!built) throw std::runtime_error(built.error().message);
        if (const auto bad = std::ranges::find(built.value()->problems, Problem::Kind::quarantined, &Problem::kind);
            bad != built.value()->problems.end())
            throw std::runtime_error(bad->place + ": " + bad->message);
        catalog_ = *built;
        engine = make_engine();
        fleet.dead = [this] { return store.forgets(); };
    }
    ~EngineRig() {
        end_serving();
        wait(engine->end(StopReason::shutdown));
        engine.reset();
        pool_.join();
        store_pool_.join();
        blocking_pool_.join();
    }

    /// The process dies in the middle of what it does, and another begins on the same ledger: nothing that the dead one
    /// still did is recorded.
    void crash() {
        store.forget_commits(true);
        end_serving();
        wait(engine->end(StopReason::shutdown));
        engine.reset();
        store.forget_commits(false);
        store.abandon();
        engine = make_engine();
    }

    /// Fires what is due, as a daemon does, until a crash or the end.
    void serve() {
        stop_ = {};
        serving_ = asio::co_spawn(pool_.get_executor(), engine->serve(stop_), asio::use_future);
    }
    /// Has the scheduler look at the clock.
    void ring() {
        read_catalog = [this]() -> Result<CatalogPtr> { return catalog_; };
        wait(engine->reload(Caller("test"))).value();
    }

    template <class T>
    T wait(awaitable<T> work) {
        return block_on(pool_.get_executor(), std::move(work));
    }

    RunView start(const std::string& job, std::string limit = {}) {
        StartJob request;
        request.job = job;
        request.limit = std::move(limit);
        return wait(engine->start_job(Caller("user:anna"), request)).value();
    }
    /// The run as it has ended; its targets' states sum up to its targets.
    RunView end(const RunView& run) {
        wait(follow(run.id));
        RunRef ref;
        ref.id = run.id;
        auto ended = wait(engine->run(ref)).value();
        std::uint32_t sum = 0;
        for (const auto& [state, count] : ended.counts) sum += terminal(*parse_node_state(state)) ? count : 0;
        if (sum != ended.targets) throw std::runtime_error("a target has no terminal state");
        return ended;
    }
    RunView run(const std::string& job) { return end(start(job)); }
    Result<RunView> retry(const std::string& id, std::string states = {}, std::string limit = {}) {
        StartRetry request;
        request.id = id;
        request.states = std::move(states);
        request.limit = std::move(limit);
        return wait(engine->retry(Caller("user:anna"), request));
    }
    void cancel(const RunView& run) {
        RunRef ref;
        ref.id = run.id;
        wait(engine->cancel(Caller("user:anna"), ref)).value();
    }
    /// Each target's result, in target order.
    std::vector<NodeResultView> results(const RunView& run) {
        RunRef ref;
        ref.id = run.id;
        return wait(engine->results(ref)).value().items;
    }

    MemoryStore store;
    FakeFleet fleet;
    std::unique_ptr<Engine> engine;
    std::function<Result<CatalogPtr>()> read_catalog; ///< for a reload
    StandingClock clock;

private:
    void end_serving() {
        stop_.request(StopReason::shutdown);
        if (serving_.valid()) serving_.get();
    }
    std::unique_ptr<Engine> make_engine() {
        EngineParts parts;
        parts.strands = Strands({make_strand(pool_.get_executor()), make_strand(pool_.get_executor())});
        parts.store_executor = store_pool_.get_executor();
        parts.blocking_executor = blocking_pool_.get_executor();
        parts.store = &store;
        parts.connector = &fleet;
        parts.tasks = &tasks_;
        parts.clock = &clock;
        parts.read_catalog = [this] { return read_catalog(); };
        return create_engine(std::move(parts), catalog_);
    }

    awaitable<void> follow(std::string id) {
        RunRef ref;
        ref.id = id;
        auto stream = co_await engine->watch(ref);
        for (bool more = true; more;) {
            const auto event = co_await (*stream)->next();
            more = event.has_value();
        }
    }

    asio::thread_pool pool_{2}, store_pool_{1}, blocking_pool_{2};
    StopToken stop_;
    std::future<void> serving_; ///< of `serve`
    CatalogPtr catalog_;
    TaskRegistry tasks_ = standard_tasks();
};

} // namespace loom::tests
