#pragma once
#include "core/model/notify.hpp"
#include "core/run/run_store.hpp"

namespace loom {

/// Something of a run that rules are to look at: it has ended, or something was found of it.
struct RunChange {
    std::int64_t number = 0; ///< of the change, in the ledger's order
    std::string run;
    bool noted = false;
};

/// A notification on its way.
struct OutboxEntry {
    std::int64_t key = 0;
    std::string id;   ///< of the message, the same at each try
    std::string rule;
    std::string event; ///< the CloudEvent, as JSON
    Instant created{}, next{};
    std::uint32_t attempts = 0;
    std::string error;  ///< of the last try
    bool dead = false;  ///< given up
};

/// How many notifications wait, and how many were given up and are kept.
struct OutboxCounts {
    std::uint64_t waiting = 0, dead = 0;
};

/// Port: what is to be told, until it was. Changes of runs are in the ledger by the commit that makes them, whichever process that is, and
/// from when somebody wants them on it remembers which were looked at; so nothing is lost where a process dies in between. Calls block on the disk. Errors are Errc::unavailable.
class Outbox {
public:
    virtual ~Outbox() = default;
    /// Whether changes of runs count from now on.
    virtual Result<void> want(bool changes) = 0;
    /// Those that were not looked at, the oldest first. A run that is pruned takes its own along.
    virtual Result<std::vector<RunChange>> changes(std::size_t most) = 0;
    /// In one transaction: these changes, the first of `changes`, were looked at, and this is to be told. Above limits::outbox_entries the oldest that waits is given up.
    virtual Result<void> decide(const std::vector<RunChange>& looked_at, const std::vector<OutboxEntry>& fresh) = 0;
    /// What waits and is due, the most overdue first.
    virtual Result<std::vector<OutboxEntry>> due(Instant now, std::size_t most) = 0;
    /// When the next is; none waits: nothing.
    virtual Result<std::optional<Instant>> next_due() = 0;
    /// It was told: it goes.
    virtual Result<void> sent(std::int64_t key) = 0;
    /// It was not: tried again at `next`, or never where that is none; of those at most limits::outbox_dead stay, to be looked at.
    virtual Result<void> failed(std::int64_t key, std::optional<Instant> next, const std::string& error) = 0;
    /// Everything, what waits first; newest first.
    virtual Result<std::vector<OutboxEntry>> entries(std::size_t most) = 0;
    virtual Result<OutboxCounts> counts() = 0;
};

} // namespace loom
