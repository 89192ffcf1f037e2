#pragma once
#include "core/base/error.hpp"

#include <string_view>

namespace loom {

/// The places where a test may have this process die, as by kill -9: around everything that is recorded or acted upon.
/// tests/integration/crash_test.py dies at each of them, and fails for one that it cannot reach.
inline constexpr std::string_view failpoints[] = {
    // Start.
    "state.folders",     // the state folder is made
    "state.swept",       // locks of dead processes are removed
    "state.opened",      // the database is open, and not yet migrated
    "migrate.scripted",  // a version's script has run, and is not committed
    "migrate.committed", // a version is committed
    "daemon.locked",     // this process is the daemon
    "reconcile.found",   // the runs that a crash left behind are known
    "reconcile.ended",   // one of them has its end
    "daemon.reconciled", // all of them
    "socket.bound",      // the socket's file is made, and has no mode yet
    "socket.listening",
    // Schedules.
    "schedule.read",     // what is known of each job is read
    "schedule.planned",  // what was missed and what is new is decided, and not recorded
    "schedule.seen",     // a new schedule is recorded
    "schedule.acting",   // something is due
    "schedule.acted",    // one decision is carried out
    "not_run.decided",   // that an instant is passed over, and not recorded
    "not_run.recorded",
    "return.deciding",   // a node is back that is owed a run
    "return.decided",
    // Jobs that follow others.
    "follow.read",       // what is to be followed is read
    "follow.decided",    // one job follows, or is passed over, and no row says so
    "follow.recorded",
    // A run.
    "claim.decided",     // the run has its id, and no row
    "claim.recorded",
    "claim.refused",
    "claim.told",        // whoever asked for the run is about to be told
    "room.decided",      // it waits, and what it takes the place of has not ended
    "room.made",         // one of those has ended
    "turn.waiting",      // it is about to wait for its turn
    "turn.decided",      // it is its turn, and no row says so
    "turn.recorded",
    "dial.decided",      // a batch of nodes is chosen
    "dial.recorded",
    "node.connecting",
    "node.running",      // the task is about to run on the node
    "node.ended",        // the task has ended, and nothing says so yet
    "result.decided",
    "result.recorded",
    "event.published",
    "joblog.opened",     // a job's log is open, and this entry not written
    "joblog.written",
    "known_hosts.locked",
    "known_hosts.written",
    "finish.decided",    // all nodes are terminal
    "finish.recorded",
    "finish.forgotten",  // the process forgets the run
    "cancel.asked",
    // The ledger.
    "journal.queued",
    "journal.taken",     // a batch is on its way to the store
    "journal.answered",  // the store has answered, and nobody was told
    "commit.turn",       // the write lock is taken
    "commit.lock",       // a new run's lock is taken, and its row not committed
    "commit.applied",    // what the batch says is decided, and what it says of nodes is no row yet
    "commit.written",    // the rows are written, and not committed
    "commit.done",
    "commit.unlocked",   // an ended run's lock is removed
    "output.part",       // a large output is written under another name
    "output.whole",      // and has its own
    // A prune, at the daemon's start.
    "prune.decided",     // which runs go
    "prune.removed",     // some of them are gone, and what only they named is not
    "sweep.removed",     // some texts have no row any more, and still their files
    "sweep.shrunk",      // free pages of the database are given back
    // Reload and end.
    "reload.read",       // the new configuration is read
    "reload.taken",
    "stop.asked",
    "stop.served",       // nothing new begins
    "stop.drained",      // nothing is in flight
    "close.begin",       // the database is about to be closed, with its log moved into it
    "close.done",
};

/// One of them; another name does not compile.
class Failpoint {
public:
    consteval Failpoint(const char* name) : number_(number_of(name)) {}
    int number() const { return number_; }

    /// Its place in the list, or -1.
    static constexpr int find(std::string_view name) {
        int number = 0;
        for (const auto& known : failpoints) {
            if (known == name) return number;
            ++number;
        }
        return -1;
    }

private:
    static consteval int number_of(std::string_view name) {
        const int number = find(name);
        if (number < 0) throw "this failpoint is not in the list";
        return number;
    }
    int number_;
};

/// The one that is armed; set before any thread begins.
inline int armed_failpoint = -1;
/// Counts this hit of the armed one, and does not return from the one it was armed for.
void reach_failpoint();

/// Marks a place.
inline void failpoint(Failpoint point) {
    if (point.number() == armed_failpoint) [[unlikely]] reach_failpoint();
}

/// Arms `name` for its first hit or `name@3` for its third. Errc::usage for anything else: a test that names no failpoint
/// would check nothing.
Result<void> arm_failpoint(std::string_view text);

} // namespace loom
