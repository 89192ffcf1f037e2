#include "ssh/bastions.hpp"

#include "core/async/run_on.hpp"
#include "core/base/limits.hpp"
#include "ssh/pool.hpp"

#include <algorithm>
#include <random>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr int bastion_tries = 3;
/// So many tunnels may wait to be opened on one session before another one is dialled: libssh2 opens one at a time.
constexpr int opening_crowd = 8;

Milliseconds pause_before_retry() {
    thread_local std::mt19937 random{std::random_device{}()};
    return Milliseconds(std::uniform_int_distribution<int>(300, 1500)(random));
}

} // namespace

/// One session to the bastion. Guarded by the group's mutex, but for the session, which lives on its strand.
struct Bastions::Member {
    explicit Member(const Executor& executor) : bell(executor) {}
    enum class State { dialling, ready, failed } state = State::dialling;
    std::shared_ptr<Session> session;
    Unreached unreached;
    int users = 0, opening = 0;
    std::vector<Bell> waiting; ///< for the end of the dialling
    Bell bell;                 ///< its keeper's: the last user went, or the session ended
};

struct Bastions::Group {
    std::mutex mutex;
    std::vector<std::shared_ptr<Member>> members;
    /// Why the bastion takes nobody, and until when that counts: a wrong key is not offered once for each node.
    std::optional<Unreached> refused;
    std::chrono::steady_clock::time_point refused_until;
    Slots places{limits::bastion_sessions * limits::tunnels_per_bastion_session};
};

Bastions::Bastions(std::shared_ptr<Landscape> landscape)
    : landscape_(std::move(landscape)), keepers_(landscape_->options.strands.of("bastions")) {}

Bastions::Lease& Bastions::Lease::operator=(Lease&& other) noexcept {
    if (this == &other) return *this;
    end();
    unreached = std::move(other.unreached);
    group_ = std::move(other.group_);
    member_ = std::move(other.member_);
    session_ = std::move(other.session_);
    place_ = std::move(other.place_);
    opening_ = std::exchange(other.opening_, false);
    return *this;
}

Bastions::Lease::~Lease() { end(); }

void Bastions::Lease::opened() {
    if (!std::exchange(opening_, false)) return;
    const std::lock_guard lock(group_->mutex);
    --member_->opening;
}

void Bastions::Lease::end() {
    if (!member_) return;
    opened();
    const auto member = std::move(member_);
    bool last = false;
    {
        const std::lock_guard lock(group_->mutex);
        last = --member->users == 0;
    }
    if (last) member->bell.ring();
}

std::shared_ptr<Bastions::Group> Bastions::group_of(const std::vector<LoginPlan>& chain) {
    std::string key;
    for (const auto& jump : chain) key += pool_key(jump) + '\n';
    const std::lock_guard lock(mutex_);
    auto& group = groups_[key];
    if (!group) group = std::make_shared<Group>();
    return group;
}

/// The session with the fewest tunnels in the making that has room; a new one where all are busy and one more may be.
std::shared_ptr<Bastions::Member> Bastions::choose(Group& group, bool& fresh) {
    const auto room = [](const auto& member) {
        return member->state != Member::State::failed &&
               member->users < static_cast<int>(limits::tunnels_per_bastion_session);
    };
    std::shared_ptr<Member> best;
    for (const auto& member : group.members)
        if (room(member) && (!best || member->opening < best->opening)) best = member;
    fresh = (!best || best->opening >= opening_crowd) && group.members.size() < limits::bastion_sessions;
    if (fresh) {
        best = std::make_shared<Member>(keepers_.executor());
        group.members.push_back(best);
    }
    if (!best) best = *std::ranges::min_element(group.members, {}, [](const auto& member) { return member->users; });
    ++best->users;
    ++best->opening;
    return best;
}

awaitable<Bastions::Lease> Bastions::lease(std::vector<LoginPlan> chain, Timeouts timeout, StopToken stop) {
    const auto here = co_await asio::this_coro::executor;
    Lease given;
    given.group_ = group_of(chain);
    given.place_ = co_await given.group_->places.acquire(stop); // ended by the others' deadlines, or the stop
    if (!given.place_) co_return given;
    Bell bell(here);
    auto ring = [bell](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(here, std::move(ring));
    bool fresh = false;
    {
        const std::lock_guard lock(given.group_->mutex);
        auto& refused = given.group_->refused;
        if (refused && given.group_->refused_until < std::chrono::steady_clock::now()) refused.reset();
        if (refused) {
            given.unreached = *refused;
            co_return given;
        }
        given.member_ = choose(*given.group_, fresh);
        given.opening_ = true;
        if (given.member_->state == Member::State::dialling) given.member_->waiting.push_back(bell);
    }
    if (fresh) {
        // In a coroutine of its own: the session serves others too, whatever becomes of this node.
        auto keeper = [this, group = given.group_, member = given.member_, chain, timeout]() -> awaitable<void> {
            co_await keep(group, member, chain, timeout);
        };
        keepers_.spawn(std::move(keeper));
    }
    for (;;) {
        {
            const std::lock_guard lock(given.group_->mutex);
            const auto& member = *given.member_;
            if (member.state == Member::State::ready) given.session_ = member.session;
            if (member.state == Member::State::failed) given.unreached = member.unreached;
            if (member.state != Member::State::dialling) break;
        }
        if (stop.requested()) break;
        co_await bell.wait(); // ended by the keeper's own deadlines, or the stop
    }
    co_return given;
}

awaitable<std::shared_ptr<Session>> Bastions::dial(std::vector<LoginPlan> chain, Timeouts timeout, Lease& outer,
                                                   Unreached& unreached) {
    const auto plan = std::make_shared<const LoginPlan>(std::move(chain.back()));
    chain.pop_back();
    auto executor = landscape_->options.strands.at(dialled_++);
    if (!chain.empty()) {
        outer = co_await lease(std::move(chain), timeout, stop_);
        if (!outer.session()) {
            unreached = outer.unreached;
            co_return nullptr;
        }
        executor = outer.session()->executor();
    }
    std::shared_ptr<Session> session;
    auto work = [&]() -> awaitable<void> {
        Dial dial(landscape_, executor, plan, timeout, stop_, nullptr, outer.session());
        session = co_await dial.run();
        unreached = dial.unreached();
        if (!session) co_return;
        session->listen();
        session->keep_alive(plan->alive_interval.count() > 0 ? plan->alive_interval : limits::ssh_keepalive);
    };
    std::function<awaitable<void>()> work_on_strand = std::ref(work);
    co_await run_on(executor, work_on_strand);
    outer.opened();
    if (!session) unreached.message = fmt::format("jump host {}: {}", plan->name, unreached.message);
    co_return session;
}

/// Dials the member, tells those who wait, and ends its session once nobody has used it for a while.
awaitable<void> Bastions::keep(std::shared_ptr<Group> group, std::shared_ptr<Member> member,
                               std::vector<LoginPlan> chain, Timeouts timeout) {
    Lease outer; // outlives the session that lies in it
    std::shared_ptr<Session> session;
    Unreached unreached;
    for (int tries = 1; !session; ++tries) {
        session = co_await dial(chain, timeout, outer, unreached);
        if (session || tries == bastion_tries || !unreached.retry || stop_.requested()) break;
        const bool waited = co_await pause_for(pause_before_retry(), stop_);
        (void)waited;
    }
    const auto here = co_await asio::this_coro::executor;
    Bell bell = member->bell; // made for the strand that this runs on
    std::vector<Bell> waiting;
    {
        const std::lock_guard lock(group->mutex);
        member->session = session;
        member->unreached = unreached;
        member->state = session ? Member::State::ready : Member::State::failed;
        waiting.swap(member->waiting);
        if (!session) std::erase(group->members, member);
        if (!session && !unreached.retry && !stop_.requested()) {
            group->refused = unreached;
            group->refused_until = std::chrono::steady_clock::now() + limits::bastion_refusal;
        }
    }
    for (const auto& waiter : waiting) waiter.ring();
    if (!session) co_return;

    auto ring = [bell](StopReason) { bell.ring(); };
    const auto registration = stop_.on_stop(here, std::move(ring));
    std::function<void()> on_end = [bell] { bell.ring(); };
    asio::post(session->executor(), [session, on_end] { session->when_ended(on_end); });
    for (;;) {
        const bool rung = co_await bell.wait_for(limits::bastion_idle);
        const std::lock_guard lock(group->mutex);
        if (!session->over() && !stop_.requested() && (rung || member->users > 0)) continue;
        member->state = Member::State::failed; // for who chose it and did not look yet
        member->unreached.message = fmt::format("the connection to jump host {} ended", chain.back().name);
        member->unreached.cause = Cause::no_route;
        member->unreached.retry = true;
        std::erase(group->members, member);
        break;
    }
    std::function<awaitable<void>()> part = [session]() -> awaitable<void> {
        session->disconnect();
        co_return;
    };
    co_await run_on(session->executor(), part);
}

awaitable<void> Bastions::close() {
    stop_.request(StopReason::shutdown);
    auto join = [this]() -> awaitable<void> { co_await keepers_.join(); };
    std::function<awaitable<void>()> work = std::ref(join);
    co_await run_on(keepers_.executor(), work);
}

} // namespace loom
