#include "ssh/connector.hpp"

#include "core/async/run_on.hpp"
#include "core/base/limits.hpp"
#include "ssh/exec.hpp"
#include "ssh/pool.hpp"

namespace loom {

namespace {

/// What the connector and its Remotes share: a Remote may outlive the connector.
struct Reach {
    explicit Reach(SshOptions options)
        : landscape(std::make_shared<Landscape>(std::move(options))), bastions(landscape),
          pool(landscape->options.io, landscape->options.pool_idle, landscape->options.pool_sessions) {}

    std::shared_ptr<Landscape> landscape;
    Bastions bastions;
    Pool pool;
};

class SshRemote final : public Remote {
public:
    SshRemote(std::shared_ptr<Reach> reach, std::unique_ptr<LiveSession> live)
        : reach_(std::move(reach)), live_(std::move(live)) {}
    ~SshRemote() override {
        if (!live_) return;
        const auto executor = live_->session->executor();
        std::shared_ptr<LiveSession> live = std::move(live_);
        asio::post(executor, [live] { live->session->kill(); });
    }

    awaitable<Outcome> exec(ExecRequest request, StopToken stop) override {
        Outcome outcome;
        auto run = [&]() -> awaitable<void> {
            in_order_ = false;
            outcome = co_await run_command(live_->session, std::move(request), std::move(stop));
            in_order_ = outcome.exit_status || !outcome.exit_signal.empty();
            if (outcome.state != NodeState::ok && outcome.state != NodeState::failed) in_order_ = false;
        };
        const std::function<awaitable<void>()> work = std::ref(run);
        co_await run_on(live_->session->executor(), work);
        co_return outcome;
    }

    awaitable<void> close() override {
        auto end = [&]() -> awaitable<void> {
            if (in_order_) reach_->pool.give_back(std::move(live_));
            else live_->session->disconnect();
            co_return;
        };
        const std::function<awaitable<void>()> work = std::ref(end);
        co_await run_on(live_->session->executor(), work);
    }

private:
    std::shared_ptr<Reach> reach_;
    std::unique_ptr<LiveSession> live_;
    bool in_order_ = false; ///< the last command came to its own end: another may follow
};

/// One call of `connect`, on the caller's strand.
class Reaching {
public:
    Reaching(std::shared_ptr<Reach> reach, Timeouts timeout, StopToken stop, std::function<void(Phase)> entered)
        : reach_(std::move(reach)), timeout_(timeout), stop_(std::move(stop)), entered_(std::move(entered)) {}

    awaitable<Connected> run(Node node) {
        Connected connected;
        auto plan = plan_login(node, reach_->landscape->options);
        if (!plan) {
            connected.unreached.phase = Phase::resolve;
            connected.unreached.message = plan.error().message;
            co_return connected;
        }
        auto live = co_await warm(pool_key(*plan));
        if (!live) live = co_await cold(std::move(*plan), connected.unreached);
        if (live) connected.remote = std::make_unique<SshRemote>(reach_, std::move(live));
        co_return connected;
    }

private:
    /// A kept session that still lives.
    awaitable<std::unique_ptr<LiveSession>> warm(std::string key) {
        for (;;) {
            auto live = reach_->pool.take(key);
            if (!live) co_return nullptr;
            bool alive = false;
            auto look = [&]() -> awaitable<void> {
                alive = live->session->alive();
                co_return;
            };
            const std::function<awaitable<void>()> work = std::ref(look);
            co_await run_on(live->session->executor(), work);
            if (alive) co_return live;
        }
    }

    awaitable<std::unique_ptr<LiveSession>> cold(LoginPlan plan, Unreached& unreached) {
        const auto here = co_await asio::this_coro::executor;
        auto live = std::make_unique<LiveSession>();
        live->key = pool_key(plan);
        live->alive_interval = plan.alive_interval;
        auto executor = here;
        if (!plan.jumps.empty()) {
            live->via = co_await reach_->bastions.lease(plan.jumps, timeout_, stop_);
            if (!live->via.session()) {
                unreached = live->via.unreached;
                if (stop_.requested()) unreached.state = stopped_state(stop_.reason());
                co_return nullptr;
            }
            executor = live->via.session()->executor();
        }
        // The caller hears of the phases on its own strand; its posts come before the end of `run_on`.
        std::function<void(Phase)> told = entered_;
        if (told && executor != here)
            told = [here, entered = entered_](Phase phase) { asio::post(here, [entered, phase] { entered(phase); }); };
        auto dialling = [&]() -> awaitable<void> {
            Dial dial(reach_->landscape, executor, std::move(plan), timeout_, stop_, told, live->via.session());
            dial.on_connected([&live] { live->via.opened(); });
            live->session = co_await dial.run();
            live->via.opened();
            unreached = dial.unreached();
            if (!live->session) co_return;
            auto interval = live->alive_interval;
            if (interval.count() == 0 && live->via.session()) interval = limits::ssh_keepalive;
            live->session->keep_alive(interval);
        };
        const std::function<awaitable<void>()> work = std::ref(dialling);
        co_await run_on(executor, work);
        if (!live->session) co_return nullptr;
        co_return live;
    }

    std::shared_ptr<Reach> reach_;
    Timeouts timeout_;
    StopToken stop_;
    std::function<void(Phase)> entered_;
};

class SshConnector final : public Connector {
public:
    explicit SshConnector(SshOptions options) : reach_(std::make_shared<Reach>(std::move(options))) {}

    awaitable<Connected> connect(Node node, Timeouts timeout, StopToken stop,
                                 std::function<void(Phase)> entered) override {
        Reaching reaching(reach_, timeout, std::move(stop), std::move(entered));
        co_return co_await reaching.run(std::move(node));
    }

    awaitable<void> close() override {
        co_await reach_->pool.close();
        co_await reach_->bastions.close();
    }

private:
    std::shared_ptr<Reach> reach_;
};

} // namespace

std::unique_ptr<Connector> create_ssh_connector(SshOptions options) {
    return std::make_unique<SshConnector>(std::move(options));
}

} // namespace loom
