#pragma once
#include "core/base/duration.hpp"
#include "core/base/limits.hpp"
#include "core/model/become.hpp"
#include "core/model/fan_out.hpp"
#include "core/model/log_file.hpp"
#include "core/model/retention.hpp"
#include "core/model/shared.hpp"
#include "core/time/cron.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// What a run does on each node: a task's dotted name and what it is given.
struct TaskSpec {
    std::string name; ///< `fabric.api.run`; a `command:` shorthand is stored as the task it stands for
    std::string plugin; ///< whose workers run it; empty: as its name says
    boost::json::array args;
    boost::json::object kwargs;
    std::map<std::string, std::string> env;
    std::string cwd;
    std::shared_ptr<const std::string> input; ///< the command's stdin, sent as it is; null: none
    std::optional<Become> become;             ///< what it leaves out, the node may say
    bool pty = false;
    bool end_with_link = false; ///< ExecRequest::end_with_link
    bool check = false;         ///< say what would be done, and do nothing; a task that cannot is not run (Task::can_check)

    friend bool operator==(const TaskSpec&, const TaskSpec&) = default;
};

/// Deadlines; zero means none.
struct Timeouts {
    Milliseconds resolve = std::chrono::seconds(5);
    std::optional<Milliseconds> connect; ///< none: not said, so ssh_config's, else limits::connect_timeout
    Milliseconds handshake = std::chrono::seconds(30);
    Milliseconds auth = std::chrono::seconds(30);
    Milliseconds idle{0};
    Milliseconds command = std::chrono::hours(1);
    Milliseconds run = std::chrono::hours(1);
    Milliseconds grace = std::chrono::seconds(5); ///< between TERM and KILL

    friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct Retry {
    int connect = 3; ///< tries, the first included
    int task = 0;    ///< how often a task that failed is run again
    std::vector<int> on_exit; ///< the exit statuses that `task` is for; empty: every one but 0
    Milliseconds backoff_first = std::chrono::seconds(1);
    Milliseconds backoff_most = std::chrono::seconds(15);

    friend bool operator==(const Retry&, const Retry&) = default;
};

enum class CatchUp : std::uint8_t { skip, last, all };
enum class Overlap : std::uint8_t { skip, buffer_one, buffer_all, cancel_other, allow };
enum class OverlapScope : std::uint8_t { job, node };
enum class OnEmpty : std::uint8_t { fail, skip, ok };
/// What becomes of a run whose process died.
enum class OnLost : std::uint8_t { fail, rerun };

/// Another job that this one follows, and how its run must have ended.
struct After {
    enum class When : std::uint8_t { success, failure, always };
    std::string job;
    When when = When::success;

    friend bool operator==(const After&, const After&) = default;
};

/// How soon a run is expected to begin, and how long to take; zero: nothing is expected. One that is later is told of, and
/// goes on.
struct Expect {
    Milliseconds start_within{0}; ///< on one node at least, from its instant on
    Milliseconds finish_within{0};
    double longer_than_usual = 0; ///< times the median of the job's last runs that were ok

    friend bool operator==(const Expect&, const Expect&) = default;
};

/// Times at which the schedule starts nothing. By hand the job can be run all the same.
struct Blackout {
    std::vector<CalendarPtr> calendars;
    bool hold = false; ///< what falls into one starts once right after it; else it is skipped

    friend bool operator==(const Blackout&, const Blackout&) = default;
};

/// How a job's runs go and what is kept of them: all that most jobs leave to the defaults.
struct Policy {
    FanOut fan_out;
    Timeouts timeout;
    Retry retry;
    CatchUp catch_up = CatchUp::last;
    Milliseconds catch_up_window = std::chrono::hours(1);
    std::uint32_t catch_up_max = limits::catch_up_runs; ///< of `all`: at most so many, the newest
    bool catch_up_nodes = false; ///< a node that was not reached gets a run of its own when it is back
    Blackout blackout;
    Overlap overlap = Overlap::skip;
    OverlapScope overlap_scope = OverlapScope::job;
    std::vector<After> after; ///< each once
    Expect expect;
    OnEmpty on_empty = OnEmpty::fail;
    OnLost on_lost = OnLost::fail;
    LogFile log_file;
    JobRetention retention;

    friend bool operator==(const Policy&, const Policy&) = default;
};

/// Where a job runs.
struct Targets {
    std::string text;               ///< as a NodeSet expression, for people
    std::vector<std::string> nodes; ///< the same, expanded
};

/// Where a job is written. Jobs of one file have one name of it in memory.
struct SourcePlace {
    Shared<std::string> file; ///< none: nowhere
    std::uint32_t line = 0, column = 0;
};
/// `jobs/web.yaml:12:5`
std::string to_string(const SourcePlace& place);

/// What jobs have in common they share: of a hundred thousand each takes 379 bytes, its place in the plan included.
struct Job {
    std::string name;
    std::string description;
    Shared<TaskSpec> task = Shared<TaskSpec>::standard();
    Shared<Schedule> schedule; ///< none: started by hand only
    Shared<Targets> targets = Shared<Targets>::standard();
    Shared<Policy> policy = Shared<Policy>::standard();
    SourcePlace source;
};

} // namespace loom
