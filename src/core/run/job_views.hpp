#pragma once
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Jobs and their pauses as the service shows them; as core/run/views.hpp.
namespace loom {

/// A time in which schedules start nothing.
struct PauseView {
    std::string job; ///< empty: every job
    std::string reason, by, since;
    std::optional<std::string> until; ///< it ends by itself; null: until it is resumed
};
BOOST_DESCRIBE_STRUCT(PauseView, (), (job, reason, by, since, until))

/// How a job makes up for what was missed; a duration of 0: none.
struct CatchUpView {
    std::string policy; ///< skip, last, all
    std::int64_t window_ms = 0;
    std::uint32_t max = 0; ///< of `all`
    bool nodes = false;    ///< a node that was not reached gets a run of its own when it is back
};
BOOST_DESCRIBE_STRUCT(CatchUpView, (), (policy, window_ms, max, nodes))

struct OverlapView {
    std::string policy; ///< skip, buffer_one, buffer_all, cancel_other, allow
    std::string scope;  ///< job, node
};
BOOST_DESCRIBE_STRUCT(OverlapView, (), (policy, scope))

/// What is expected of a run; 0: nothing.
struct ExpectView {
    std::int64_t start_within_ms = 0, finish_within_ms = 0;
    double longer_than_usual = 0; ///< times the median of the last runs
};
BOOST_DESCRIBE_STRUCT(ExpectView, (), (start_within_ms, finish_within_ms, longer_than_usual))

struct BlackoutView {
    std::vector<std::string> calendars;
    std::string policy; ///< skip, hold
};
BOOST_DESCRIBE_STRUCT(BlackoutView, (), (calendars, policy))

struct JobView {
    std::string name, description, task, targets;
    std::uint32_t nodes = 0;
    std::string schedule, tz, after;
    std::string hooks; ///< the webhooks that start it: `deploy, rollback`
    std::uint32_t spent = 0; ///< runs of the schedule's `count` that it has started; 0 where it has none
    std::optional<std::string> next;
    std::string status;  ///< active, finished, paused, manual, unavailable, quarantined
    std::string message; ///< why it is paused, unavailable or quarantined
    std::string source, last_run, last_state;
    std::optional<std::string> last_started;
    std::optional<PauseView> pause; ///< the one in force; of several the one that lasts longest
    std::optional<CatchUpView> catchup;   ///< null: it is started by hand only
    std::optional<OverlapView> overlap;
    std::optional<ExpectView> expect;     ///< null: nothing
    std::optional<BlackoutView> blackout; ///< null: none
};
BOOST_DESCRIBE_STRUCT(JobView, (),
                      (name, description, task, targets, nodes, schedule, tz, after, hooks, spent, next, status, message, source, last_run,
                       last_state, last_started, pause, catchup, overlap, expect, blackout))

struct JobList {
    std::vector<JobView> items;
};
BOOST_DESCRIBE_STRUCT(JobList, (), (items))

} // namespace loom
