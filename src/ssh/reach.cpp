#include "ssh/reach.hpp"

#include "core/async/offload.hpp"
#include "core/async/run_on.hpp"
#include "core/base/limits.hpp"
#include "ssh/exec.hpp"

namespace loom {

Reach::Reach(SshOptions options)
    : landscape(std::make_shared<Landscape>(std::move(options))), bastions(landscape),
      pool(landscape->options.strands.of("pool"), landscape->options.pool_idle, landscape->options.pool_sessions) {}

namespace {

/// What one look at the files gives.
struct Prepared {
    std::shared_ptr<const LoginPlan> plan;
    std::string key;
    std::unique_ptr<LiveSession> kept;
    std::optional<LoginFiles> files; ///< where nothing was kept
};

/// What a look that missed gives is not to be used.
Result<Prepared> prepare(Reach& reach, const Node& node, FileLook& look) {
    auto& landscape = *reach.landscape;
    Prepared prepared;
    const auto config = landscape.ssh_config.current(look);
    if (look.missed()) return prepared;
    auto plan = plan_login(node, landscape.options, *config);
    if (!plan) return plan.error();
    prepared.key = pool_key(*plan);
    prepared.plan = std::make_shared<const LoginPlan>(std::move(*plan));
    prepared.kept = reach.pool.take(prepared.key);
    if (!prepared.kept) prepared.files = landscape.read(*prepared.plan, look);
    return prepared;
}

} // namespace

awaitable<std::unique_ptr<LiveSession>> Way::session(Node node, std::function<void(Phase)> entered) {
    auto at_hand = FileLook::at_hand(reach_->landscape->options.files_recent);
    auto prepared = prepare(*reach_, node, at_hand);
    if (at_hand.missed()) {
        auto look = [reach = reach_, node = std::move(node)] {
            auto disk = FileLook::disk();
            return prepare(*reach, node, disk);
        };
        prepared = co_await offload(reach_->landscape->options.blocking, std::move(look));
    }
    if (!prepared) {
        unreached_.phase = Phase::resolve;
        unreached_.message = prepared.error().message;
        co_return nullptr;
    }
    for (auto kept = std::move(prepared->kept); kept; kept = reach_->pool.take(prepared->key)) {
        const bool alive = co_await is_alive(*kept);
        if (alive) co_return kept;
    }
    const auto plan = prepared->plan;
    auto live = std::make_unique<LiveSession>();
    live->key = std::move(prepared->key);
    auto interval = plan->alive_interval;
    if (interval.count() == 0 && !plan->jumps.empty()) interval = limits::ssh_keepalive;
    Use use = [&live, &prepared, interval](Dial& dial) -> awaitable<void> {
        if (prepared->files) dial.use(std::move(*prepared->files));
        live->session = co_await dial.run();
        if (live->session) live->session->keep_alive(interval);
    };
    const bool dialled = co_await dial(plan, *live, std::move(entered), std::move(use));
    if (!dialled || !live->session) co_return nullptr;
    co_return live;
}

awaitable<std::optional<HostKey>> Way::host_key(std::shared_ptr<const LoginPlan> plan) {
    LiveSession live;
    std::optional<HostKey> key;
    Use use = [&key](Dial& dial) -> awaitable<void> { key = co_await dial.show_host_key(); };
    const bool dialled = co_await dial(std::move(plan), live, nullptr, std::move(use));
    (void)dialled; // no key then
    co_return key;
}

/// Whether a kept session still lives, as its strand knows; ended there if not, since it may lie in another one's tunnel.
awaitable<bool> Way::is_alive(LiveSession& live) {
    bool alive = false;
    auto look = [&]() -> awaitable<void> {
        alive = live.session->alive();
        if (!alive) live.session->kill();
        co_return;
    };
    const std::function<awaitable<void>()> work = std::ref(look);
    co_await run_on(live.session->executor(), work);
    co_return alive;
}

/// Lets `use` have a dial of the node, on the strand where its session is to live; false where no jump host was reached.
awaitable<bool> Way::dial(std::shared_ptr<const LoginPlan> plan, LiveSession& live, std::function<void(Phase)> entered,
                         Use use) {
    const auto here = co_await asio::this_coro::executor;
    auto executor = here;
    if (!plan->jumps.empty()) {
        live.via = co_await reach_->bastions.lease(plan->jumps, timeout_, stop_);
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
