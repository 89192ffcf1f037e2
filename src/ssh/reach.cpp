#include "ssh/reach.hpp"

#include "core/async/offload.hpp"
#include "core/async/run_on.hpp"
#include "core/base/limits.hpp"
#include "ssh/exec.hpp"

namespace loom {

Reach::Reach(SshOptions options)
    : landscape(std::make_shared<Landscape>(std::move(options))), bastions(landscape),
      pool(landscape->options.io, landscape->options.pool_idle, landscape->options.pool_sessions) {}

awaitable<Result<LoginPlan>> Way::plan(Node node) {
    auto make = [landscape = reach_->landscape, node = std::move(node)] {
        return plan_login(node, landscape->options, *landscape->ssh_config.current());
    };
    co_return co_await offload(reach_->landscape->options.blocking, std::move(make));
}

awaitable<std::unique_ptr<LiveSession>> Way::session(LoginPlan plan, std::function<void(Phase)> entered) {
    auto live = co_await kept(pool_key(plan));
    if (live) co_return live;
    live = std::make_unique<LiveSession>();
    live->key = pool_key(plan);
    auto interval = plan.alive_interval;
    if (interval.count() == 0 && !plan.jumps.empty()) interval = limits::ssh_keepalive;
    Use use = [&live, interval](Dial& dial) -> awaitable<void> {
        live->session = co_await dial.run();
        if (live->session) live->session->keep_alive(interval);
    };
    const bool dialled = co_await this->dial(std::move(plan), *live, std::move(entered), std::move(use));
    if (!dialled || !live->session) co_return nullptr;
    co_return live;
}

awaitable<std::optional<HostKey>> Way::host_key(LoginPlan plan) {
    LiveSession live;
    std::optional<HostKey> key;
    Use use = [&key](Dial& dial) -> awaitable<void> { key = co_await dial.show_host_key(); };
    const bool dialled = co_await dial(std::move(plan), live, nullptr, std::move(use));
    (void)dialled; // no key then
    co_return key;
}

/// A kept session that still lives.
awaitable<std::unique_ptr<LiveSession>> Way::kept(std::string key) {
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

/// Lets `use` have a dial of the node, on the strand where its session is to live; false where no jump host was reached.
awaitable<bool> Way::dial(LoginPlan plan, LiveSession& live, std::function<void(Phase)> entered, Use use) {
    const auto here = co_await asio::this_coro::executor;
    auto executor = here;
    if (!plan.jumps.empty()) {
        live.via = co_await reach_->bastions.lease(plan.jumps, timeout_, stop_);
        unreached_ = live.via.unreached;
        if (!live.via.session()) {
            if (stop_.requested()) unreached_.state = stopped_state(stop_.reason());
            co_return false;
        }
        executor = live.via.session()->executor();
    }
    // The caller hears of the phases on its own strand; these posts come before the end of `run_on`.
    std::function<void(Phase)> told = entered;
    if (told && executor != here)
        told = [here, entered](Phase phase) { asio::post(here, [entered, phase] { entered(phase); }); };
    auto dialling = [&]() -> awaitable<void> {
        Dial dial(reach_->landscape, executor, std::move(plan), timeout_, stop_, told, live.via.session());
        dial.on_connected([&live] { live.via.opened(); });
        co_await use(dial);
        live.via.opened();
        unreached_ = dial.unreached();
        tried_ = dial.tried();
    };
    const std::function<awaitable<void>()> work = std::ref(dialling);
    co_await run_on(executor, work);
    co_return true;
}

} // namespace loom
