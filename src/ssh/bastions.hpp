#pragma once
#include "core/async/scope.hpp"
#include "core/async/slots.hpp"
#include "ssh/dial.hpp"

#include <atomic>
#include <map>
#include <mutex>

namespace loom {

/// Sessions to jump hosts, shared by many tunnels: a bastion sees at most limits::bastion_sessions logins from us, not
/// one for each node behind it. Several levels nest: the session of the inner jump host lies in a tunnel of the outer
/// one. Any strand; each session, and all that goes through it, lives on the strand of the outermost one.
class Bastions {
    struct Group;
    struct Member;

public:
    explicit Bastions(std::shared_ptr<Landscape> landscape);

    /// One node's share of a bastion session, given back when it goes.
    class Lease {
    public:
        Lease() = default;
        Lease(Lease&&) noexcept = default;
        Lease& operator=(Lease&& other) noexcept;
        ~Lease();

        /// Null: see `unreached`.
        const std::shared_ptr<Session>& session() const { return session_; }
        Unreached unreached;
        /// The tunnel stands, or failed: others may open theirs.
        void opened();
        /// The node's session is idle: it needs the bastion's session, but no place among the active ones.
        void rest() { place_.release(); }

    private:
        friend class Bastions;
        void end();

        std::shared_ptr<Group> group_;
        std::shared_ptr<Member> member_;
        std::shared_ptr<Session> session_;
        Slots::Hold place_;
        bool opening_ = false;
    };

    /// A session of the last host of the chain, dialled through those before it. Not empty.
    awaitable<Lease> lease(std::vector<LoginPlan> chain, Timeouts timeout, StopToken stop);

    /// Ends every session; returns when nothing is left.
    awaitable<void> close();

private:
    std::shared_ptr<Group> group_of(const std::vector<LoginPlan>& chain);
    std::shared_ptr<Member> choose(Group& group, bool& fresh);
    awaitable<void> keep(std::shared_ptr<Group> group, std::shared_ptr<Member> member, std::vector<LoginPlan> chain,
                         Timeouts timeout);
    awaitable<std::shared_ptr<Session>> dial(std::vector<LoginPlan> chain, Timeouts timeout, Lease& outer,
                                             Unreached& unreached);

    std::shared_ptr<Landscape> landscape_;
    std::atomic<std::size_t> dialled_{0};
    StopToken stop_;
    Scope keepers_;
    std::mutex mutex_; ///< of groups_; each group has its own
    std::map<std::string, std::shared_ptr<Group>> groups_;
};

} // namespace loom
