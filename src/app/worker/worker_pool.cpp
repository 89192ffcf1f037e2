#include "app/worker/worker_pool.hpp"

#include "app/worker/conversation.hpp"
#include "app/worker/crashes.hpp"
#include "app/worker/growth.hpp"
#include "app/worker/limits.hpp"
#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/async/run_on.hpp"
#include "core/async/slots.hpp"
#include "core/base/log.hpp"
#include "core/run/node_task.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>

namespace loom {
namespace {

using Time = std::chrono::steady_clock::time_point;
Time steady_now() { return std::chrono::steady_clock::now(); }

/// A worker, and for whom it works.
struct Hired {
    std::unique_ptr<Worker> worker;
    Plugin plugin;
    std::string work; ///< what alone it serves: what code leaves behind in a process reaches the code that comes next
    WorkerFacts facts;
    std::size_t processes = 0; ///< of its own, before it has served anything
    std::uint32_t place = 0; ///< among all that there are
    std::size_t calls = 0;
    Time idle_since;
};

Outcome outcome_of(const StopToken& stop) {
    Outcome outcome;
    const auto reason = stop.reason();
    outcome.state = reason == StopReason::cancelled ? NodeState::cancelled : reason == StopReason::timed_out ? NodeState::timed_out : NodeState::interrupted;
    outcome.message = stop_message(stop);
    return outcome;
}

Outcome failed_call(std::string why) {
    Outcome outcome;
    outcome.message = std::move(why);
    return outcome;
}

constexpr const char* inspecting = "inspect"; ///< no job's: those have a line end

/// A job's task, on whichever of its nodes; a run's where it has no job.
std::string work_of(const TaskContext& context, const std::string& task) {
    return fmt::format("{}\n{}", context.of.job.empty() ? context.of.id : context.of.job, task);
}

/// What belongs to a plugin's task as it is now: another one when the plugin or its code has changed.
std::string key_of(const PluginSettings& plugin, const std::string& task) { return plugin.name + '\n' + plugin.code.stamp + '\n' + task; }

class WorkerPoolImpl final : public WorkerPool {
public:
    explicit WorkerPoolImpl(WorkerPoolOptions options)
        : options_(std::move(options)), busy_(std::max<std::size_t>(1, options_.max_workers)), keeper_(options_.strands.at(0)) {}

    awaitable<Outcome> run(PluginCall call, TaskContext context) override;
    awaitable<Result<Found>> inspect(Plugin plugin, std::string task) override;
    awaitable<Result<WorkerFacts>> look(Plugin plugin) override;
    awaitable<void> close() override;

private:
    awaitable<Result<Hired>> hire(Plugin plugin, std::string work, StopToken stop);
    awaitable<Result<Hired>> start(Plugin plugin, std::uint32_t place, StopToken stop);
    awaitable<void> dismiss(Hired hired);
    awaitable<void> give_back(Hired hired, bool good);
    awaitable<void> keep();
    std::optional<Hired> take_idle(const Plugin& plugin, const std::string& work);
    std::optional<Hired> take_place(std::uint32_t& place);
    struct Expired {
        std::vector<Hired> leaving;
        std::optional<std::chrono::steady_clock::duration> look_again; ///< in so long; none: nothing rests
    };
    Expired take_expired();
    std::optional<std::string> refusal(const std::string& key);
    Result<std::shared_ptr<Spool>> spool();

    const WorkerPoolOptions options_;
    Slots busy_;
    Scope keeper_;
    StopToken closing_;
    std::mutex mutex_; ///< guards what follows
    std::vector<Hired> idle_; ///< the one that has waited longest first
    std::set<std::uint32_t> places_;
    Crashes crashes_;
    std::int64_t calls_ = 0;
    bool keeping_ = false;
    std::mutex spool_mutex_; ///< held while the spool is opened, on the blocking pool
    std::shared_ptr<Spool> spool_;
};

std::optional<std::string> WorkerPoolImpl::refusal(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return crashes_.refusal(key, steady_now());
}

/// Blocks.
Result<std::shared_ptr<Spool>> WorkerPoolImpl::spool() {
    const std::lock_guard lock(spool_mutex_);
    if (spool_) return spool_;
    auto opened = Spool::open(options_.state_dir);
    if (opened) spool_ = *opened;
    return opened;
}

std::optional<Hired> WorkerPoolImpl::take_idle(const Plugin& plugin, const std::string& work) {
    const std::lock_guard lock(mutex_);
    // The one that rested last, so that the others may go.
    for (auto at = idle_.rbegin(); at != idle_.rend(); ++at) {
        if (at->plugin != plugin || at->work != work) continue;
        auto found = std::move(*at);
        idle_.erase(std::next(at).base());
        return found;
    }
    return std::nullopt;
}

/// A place for a new worker; where all are taken, also the one that has to make room.
std::optional<Hired> WorkerPoolImpl::take_place(std::uint32_t& place) {
    const std::lock_guard lock(mutex_);
    std::optional<Hired> leaving;
    if (places_.size() >= std::max<std::size_t>(1, options_.max_workers) && !idle_.empty()) {
        leaving = std::move(idle_.front());
        idle_.erase(idle_.begin());
    }
    place = 0;
    while (places_.contains(place)) ++place;
    places_.insert(place);
    return leaving;
}

awaitable<Result<Hired>> WorkerPoolImpl::hire(Plugin plugin, std::string work, StopToken stop) {
    while (auto found = take_idle(plugin, work)) {
        // It may have died while nobody looked.
        bool alive = false;
        std::function<awaitable<void>()> look = [&]() -> awaitable<void> {
            alive = found->worker->alive();
            co_return;
        };
        co_await run_on(found->worker->strand(), look);
        if (alive) co_return std::move(*found);
        co_await dismiss(std::move(*found));
    }
    std::uint32_t place = 0;
    auto leaving = take_place(place);
    if (leaving) co_await dismiss(std::move(*leaving));
    auto hired = co_await start(std::move(plugin), place, std::move(stop));
    if (!hired) {
        const std::lock_guard lock(mutex_);
        places_.erase(place);
        co_return hired.error();
    }
    hired->work = std::move(work);
    hired->processes = processes_below(hired->worker->pid());
    co_return hired;
}

awaitable<Result<Hired>> WorkerPoolImpl::start(Plugin plugin, std::uint32_t place, StopToken stop) {
    auto launch = [program = options_.program]() -> Result<WorkerProcess> {
#ifndef LOOM_SANITIZED // LeakSanitizer looks at its own process from another one.
        // Who serves plugins holds keys beside them: no other process of this user may look into it.
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
        return start_launcher(program);
    };
    auto process = co_await offload(options_.blocking, std::move(launch));
    if (!process) co_return process.error();
    Hired hired;
    hired.plugin = plugin;
    hired.place = place;
    const auto strand = options_.strands.at(place);
    Result<WorkerFacts> facts = Error{};
    std::function<awaitable<void>()> meet = [&]() -> awaitable<void> {
        hired.worker = std::make_unique<Worker>(strand, std::move(*process));
        facts = co_await greet(*hired.worker, plugin, place, stop);
        if (facts) co_return;
        co_await hired.worker->end();
        hired.worker.reset();
    };
    co_await run_on(strand, meet);
    if (!facts) co_return facts.error();
    hired.facts = std::move(*facts);
    co_return hired;
}

awaitable<void> WorkerPoolImpl::dismiss(Hired hired) {
    const auto strand = hired.worker->strand();
    std::function<awaitable<void>()> end = [&]() -> awaitable<void> {
        co_await hired.worker->end();
        hired.worker.reset();
    };
    co_await run_on(strand, end);
    const std::lock_guard lock(mutex_);
    places_.erase(hired.place);
}

/// It rests until there is more to do, unless it has done enough.
awaitable<void> WorkerPoolImpl::give_back(Hired hired, bool good) {
    const auto& limits = std::as_const(hired.plugin)->limits;
    good = good && processes_below(hired.worker->pid()) <= hired.processes; // what a task has left running may go on for ever
    if (good && ++hired.calls % worker_limits::measure_every == 0) {
        const auto growth = growth_of(hired.facts.pid);
        good = !growth || !worn(*growth, limits);
    }
    if (!good || hired.calls >= worker_limits::calls || closing_.requested()) {
        co_await dismiss(std::move(hired));
        co_return;
    }
    bool begin = false;
    {
        const std::lock_guard lock(mutex_);
        hired.idle_since = steady_now();
        idle_.push_back(std::move(hired));
        begin = !std::exchange(keeping_, true);
    }
    if (begin) keeper_.spawn([this]() -> awaitable<void> { co_await keep(); });
}

/// Those that have rested long enough, while there are more than are to be kept.
WorkerPoolImpl::Expired WorkerPoolImpl::take_expired() {
    const std::lock_guard lock(mutex_);
    Expired expired;
    while (!idle_.empty() && places_.size() - expired.leaving.size() > options_.min_workers) {
        const auto rest = idle_.front().idle_since + worker_limits::idle_time - steady_now();
        if (rest.count() > 0) {
            expired.look_again = rest;
            return expired;
        }
        expired.leaving.push_back(std::move(idle_.front()));
        idle_.erase(idle_.begin());
    }
    if (!idle_.empty()) expired.look_again = worker_limits::idle_time;
    else keeping_ = false; // the next one that rests begins anew
    return expired;
}

awaitable<void> WorkerPoolImpl::keep() {
    for (;;) {
        auto expired = take_expired();
        for (auto& hired : expired.leaving) co_await dismiss(std::move(hired));
        if (!expired.look_again) co_return;
        const bool waited = co_await pause_for(*expired.look_again, closing_);
        if (!waited) co_return;
    }
}

awaitable<Outcome> WorkerPoolImpl::run(PluginCall call, TaskContext context) {
    const auto key = key_of(*std::as_const(call.plugin), call.task.name);
    if (const auto refused = refusal(key)) co_return failed_call(*refused);
    const auto place = co_await busy_.acquire(context.stop);
    if (!place) co_return outcome_of(context.stop);
    if (const auto refused = refusal(key)) co_return failed_call(*refused); // it may have waited in line for this
    auto open = [this] { return spool(); };
    auto spool = co_await offload(options_.blocking, open);
    if (!spool) co_return failed_call(spool.error().message);
    auto work = work_of(context, call.task.name);
    auto hired = co_await hire(call.plugin, std::move(work), context.stop);
    if (!hired) {
        if (context.stop.requested()) co_return outcome_of(context.stop);
        const std::lock_guard lock(mutex_);
        crashes_.crashed(key, hired.error().message, steady_now());
        co_return failed_call(hired.error().message);
    }
    NodeHands hands;
    hands.blocking = options_.blocking;
    hands.spool = *spool;
    if (call.task.become) hands.become_password = call.task.become->password;
    hands.context = std::move(context);
    std::int64_t id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = ++calls_;
    }
    Outcome outcome;
    bool crashed = false, good = false;
    std::function<awaitable<void>()> talk = [&]() -> awaitable<void> {
        Conversation conversation(*hired->worker, id, call, hands);
        outcome = co_await conversation.run();
        crashed = conversation.crashed();
        good = hired->worker->alive() && !conversation.last();
    };
    co_await run_on(hired->worker->strand(), talk);
    {
        const std::lock_guard lock(mutex_);
        if (crashed) crashes_.crashed(key, outcome.message, steady_now());
        else crashes_.served(key);
    }
    if (crashed) logs::run.warn({hands.context.of.id, hands.context.of.job, hands.context.node->name}, "{}: {}", call.task.name, outcome.message);
    co_await give_back(std::move(*hired), good);
    co_return outcome;
}

awaitable<Result<Found>> WorkerPoolImpl::inspect(Plugin plugin, std::string task) {
    const auto place = co_await busy_.acquire(closing_);
    std::string work = inspecting;
    auto hired = co_await hire(plugin, std::move(work), closing_);
    if (!hired) co_return hired.error();
    Result<Found> found = Error{};
    bool good = false;
    std::function<awaitable<void>()> ask = [&]() -> awaitable<void> {
        found = co_await inspect_task(*hired->worker, 1, task);
        good = hired->worker->alive();
    };
    co_await run_on(hired->worker->strand(), ask);
    co_await give_back(std::move(*hired), good);
    co_return found;
}

awaitable<Result<WorkerFacts>> WorkerPoolImpl::look(Plugin plugin) {
    const auto place = co_await busy_.acquire(closing_);
    std::string work = inspecting;
    auto hired = co_await hire(plugin, std::move(work), closing_);
    if (!hired) co_return hired.error();
    auto facts = hired->facts;
    co_await give_back(std::move(*hired), true);
    co_return facts;
}

awaitable<void> WorkerPoolImpl::close() {
    closing_.request(StopReason::shutdown);
    std::function<awaitable<void>()> join = [this]() -> awaitable<void> { co_await keeper_.join(); };
    co_await run_on(keeper_.executor(), join);
    for (;;) {
        std::optional<Hired> last;
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                last = std::move(idle_.back());
                idle_.pop_back();
            }
        }
        if (!last) break;
        co_await dismiss(std::move(*last));
    }
    std::function<void()> leave = [this] {
        const std::lock_guard lock(spool_mutex_);
        spool_.reset();
    };
    co_await offload(options_.blocking, std::move(leave));
}

} // namespace

std::unique_ptr<WorkerPool> create_worker_pool(WorkerPoolOptions options) { return std::make_unique<WorkerPoolImpl>(std::move(options)); }

} // namespace loom
