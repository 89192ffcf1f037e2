#pragma once
#include "core/model/listen.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace loom {

/// Who may have how many connections: so many in all, so many that have not shown who they are (in all and from one
/// address), so many with one token. At a bound of the unauthenticated the one that has been idle longest makes room for a
/// new one; those that are working never do. Any thread.
class Connections {
public:
    explicit Connections(const HttpLimits& limits) : limits_(limits) {}

    /// One connection's place; given back when it goes.
    class Ticket {
    public:
        Ticket(Connections& all, std::uint64_t id) : all_(&all), id_(id) {}
        Ticket(Ticket&& other) noexcept : all_(std::exchange(other.all_, nullptr)), id_(other.id_) {}
        Ticket& operator=(Ticket&&) = delete;
        ~Ticket() {
            if (all_) all_->leave(id_);
        }
        /// It is this caller's from now on; false where the caller has as many already.
        bool belongs_to(const std::string& caller) { return all_->identify(id_, caller); }
        void idle(bool now) { all_->set_idle(id_, now); }

    private:
        Connections* all_;
        std::uint64_t id_;
    };

    /// `caller`: where that is known at once, else empty. `close` ends the connection, from any thread. Nothing: there is no
    /// room.
    std::optional<Ticket> admit(const std::string& address, const std::string& caller, std::function<void()> close);
    std::size_t live() const;

private:
    struct Entry {
        std::string address, caller; ///< no caller: not authenticated
        std::function<void()> close;
        std::uint64_t idle_since = 0; ///< in `moments_`; 0: at work
        bool leaving = false;         ///< told to close
    };
    bool make_room(const std::string* address);
    bool has_room(const std::string& address);
    bool full(const std::string& caller) const;
    bool identify(std::uint64_t id, const std::string& caller);
    void set_idle(std::uint64_t id, bool now);
    void leave(std::uint64_t id);
    void count(const Entry& entry, int change);

    const HttpLimits limits_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Entry> entries_;
    std::map<std::string, std::size_t> by_address_, by_caller_;
    std::size_t strangers_ = 0;
    std::uint64_t last_id_ = 0, moments_ = 0;
};

} // namespace loom
