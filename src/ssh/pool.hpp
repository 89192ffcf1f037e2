#pragma once
#include "core/async/scope.hpp"
#include "ssh/bastions.hpp"

#include <map>
#include <mutex>

namespace loom {

/// An authenticated session, with what it rests on.
struct LiveSession {
    std::string key;      ///< pool_key of its plan
    Bastions::Lease via;  ///< empty for a direct connection; ends after the session
    std::shared_ptr<Session> session;
};

/// Everything that decides who is logged in where: two plans with the same key may share a session. Passwords stand in
/// it as digests.
std::string pool_key(const LoginPlan& plan);

/// Sessions that are kept after a task and leased again, each to one user at a time, with a channel opened ahead: the
/// next command costs one round trip. A kept session answers what the server asks, asks for signs of life itself, and
/// goes after the idle time, when its peer is dead, or at once where too many are kept. Any strand.
class Pool {
public:
    /// An idle time of zero keeps nothing.
    Pool(const Executor& strand, Milliseconds idle, std::size_t most) : idle_(idle), most_(most), guards_(strand) {}

    /// A session that was alive a moment ago, or none. The caller looks again on the session's strand.
    std::unique_ptr<LiveSession> take(const std::string& key);

    /// Takes the session back, on its strand; one that is not kept ends politely.
    void give_back(std::unique_ptr<LiveSession> live);

    /// How many are kept. Any thread.
    std::size_t kept() const {
        const std::lock_guard lock(mutex_);
        return kept_.size();
    }
    /// Ends what is kept and takes nothing more; returns when nothing is left.
    awaitable<void> close();

private:
    struct Kept {
        std::unique_ptr<LiveSession> live;
        std::shared_ptr<Session> session; ///< live's, also once that was taken
        bool leave = false;               ///< its guard shall go; on the session's strand
    };
    awaitable<void> guard(std::shared_ptr<Kept> kept);
    std::unique_ptr<LiveSession> take_out(const std::shared_ptr<Kept>& kept);

    const Milliseconds idle_;
    const std::size_t most_;
    Scope guards_;
    mutable std::mutex mutex_;
    bool closed_ = false;
    std::multimap<std::string, std::shared_ptr<Kept>> kept_;
};

} // namespace loom
