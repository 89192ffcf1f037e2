#pragma once
#include "core/schedule/decide.hpp"

namespace loom {

/// Which instants of a job have their verdict, as far as this process knows: no instant gets two, wherever the clock goes.
/// Nearly always it is one stretch that grows, since instants come one after the other. A clock that jumps far ahead leaves a
/// gap, which counts again once the clock is set back; of more gaps than limits::clock_stretches the shortest counts as
/// decided, rather than an instant twice. What a restart forgets, the ledger still refuses: its rows are unique.
class History {
public:
    /// Of a job that is known from the ledger. What lies in the future was recorded before the clock was set back.
    static History known(Facts facts, Instant now);

    const Facts& facts() const { return facts_; }
    Facts& facts() { return facts_; }

    /// Takes down a verdict. `gap`: instants before it were left without one.
    void add(const Decision& decision, bool gap);
    bool has(Instant due) const;
    /// The first instant at or after this one that may have no verdict yet.
    Instant first_open(Instant at) const;
    /// The clock was set back to `now`.
    void set_back(Instant now);

private:
    struct Stretch {
        Instant begin, end; ///< both included
        bool holds(Instant at) const { return begin <= at && at <= end; }
    };
    void keep(Stretch stretch);

    Facts facts_;    ///< `last_due` is the end of the present stretch
    Instant begin_{}; ///< of the present stretch
    std::vector<Stretch> others_;
};

} // namespace loom
