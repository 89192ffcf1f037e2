#pragma once
#include "core/run/job_views.hpp"

#include <boost/describe.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Requests and replies of the service: described structs, so that HTTP, `-o json` and the client share one JSON form
/// (core/run/json.hpp). Times are RFC 3339 in UTC; states, causes and phases are the words of docs/semantics.md.
namespace loom {

struct RunView {
    std::string id, job;
    std::optional<std::string> due;
    std::string reason, by, state, started;
    std::optional<std::string> finished;
    std::string message, task, catalog;
    std::string of; ///< the run that this one is a retry of
    std::vector<std::string> upstream; ///< the runs that this one follows
    std::string note; ///< that it is overdue, and why
    std::string trace; ///< the traceparent of what asked for it
    boost::json::object params; ///< what a webhook gave
    std::uint32_t targets = 0;
    std::map<std::string, std::uint32_t> counts; ///< state → nodes, zeroes left out; the sum is `targets`
};
BOOST_DESCRIBE_STRUCT(RunView, (),
                      (id, job, due, reason, by, state, started, finished, message, task, catalog, of, upstream,
                       note, trace, params, targets, counts))

struct RunPage {
    std::vector<RunView> items;
    std::string next; ///< give it as `before` for the next page; empty at the end
};
BOOST_DESCRIBE_STRUCT(RunPage, (), (items, next))

struct NodeResultView {
    std::string node, state, cause, phase, message;
    std::optional<int> exit_status;
    std::string exit_signal, survivors;
    int attempts = 0;
    std::optional<std::string> started, finished;
};
BOOST_DESCRIBE_STRUCT(NodeResultView, (),
                      (node, state, cause, phase, message, exit_status, exit_signal, survivors, attempts, started,
                       finished))

struct NodeResultList {
    std::vector<NodeResultView> items;
};
BOOST_DESCRIBE_STRUCT(NodeResultList, (), (items))

struct OutputGroupView {
    std::string nodes; ///< folded: `web[001-790]`
    std::uint32_t count = 0;
    std::string state, cause, phase, message;
    std::optional<int> exit_status;
    std::string exit_signal, out, err;
    std::uint64_t out_dropped = 0, err_dropped = 0;
};
BOOST_DESCRIBE_STRUCT(OutputGroupView, (),
                      (nodes, count, state, cause, phase, message, exit_status, exit_signal, out, err, out_dropped,
                       err_dropped))

struct OutputGroupList {
    std::vector<OutputGroupView> items;
};
BOOST_DESCRIBE_STRUCT(OutputGroupList, (), (items))

struct NodeOutputView {
    NodeResultView result;
    std::string out, err;
    std::uint64_t out_dropped = 0, err_dropped = 0;
};
BOOST_DESCRIBE_STRUCT(NodeOutputView, (), (result, out, err, out_dropped, err_dropped))

/// What the nodes file says of a node: a field that is empty there, ssh_config or a default decides (see NodeSettingsView).
struct NodeView {
    std::string name, address;
    std::optional<std::uint16_t> port;
    std::string user, identity;
    bool password = false; ///< whether one is configured
    std::vector<std::string> groups;
    std::map<std::string, std::string> labels;
};
BOOST_DESCRIBE_STRUCT(NodeView, (), (name, address, port, user, identity, password, groups, labels))

struct NodeList {
    std::vector<NodeView> items;
};
BOOST_DESCRIBE_STRUCT(NodeList, (), (items))

/// What is in force for a node, and where it was said.
struct NodeSettingView {
    std::string setting, value, place;
};
BOOST_DESCRIBE_STRUCT(NodeSettingView, (), (setting, value, place))

/// A NodeView, and how the node is reached. (Boost.Describe's bases would not read back.)
struct NodeSettingsView {
    std::string name, address;
    std::optional<std::uint16_t> port;
    std::string user, identity;
    bool password = false;
    std::vector<std::string> groups;
    std::map<std::string, std::string> labels;
    std::vector<NodeSettingView> settings;
};
BOOST_DESCRIBE_STRUCT(NodeSettingsView, (), (name, address, port, user, identity, password, groups, labels, settings))

struct KnownKeyView {
    std::string type, fingerprint, place;
};
BOOST_DESCRIBE_STRUCT(KnownKeyView, (), (type, fingerprint, place))

/// The host key that a node shows, and what known_hosts says of it: known, unknown, changed, revoked or authority.
struct HostKeyView {
    std::string node, listed_as, type, fingerprint, verdict, place;
    std::vector<KnownKeyView> listed;
    std::vector<std::string> in_the_way; ///< lines that contradict and are not Loom's to change
    bool recorded = false;
};
BOOST_DESCRIBE_STRUCT(HostKeyView, (),
                      (node, listed_as, type, fingerprint, verdict, place, listed, in_the_way, recorded))

struct DueView {
    std::string job, due, local, tz;
};
BOOST_DESCRIBE_STRUCT(DueView, (), (job, due, local, tz))

struct WaveView {
    std::string nodes; ///< folded; empty where the order is drawn by lot when the run begins
    std::uint32_t count = 0;
};
BOOST_DESCRIBE_STRUCT(WaveView, (), (nodes, count))

/// What `loom run`, `exec` or `retry` would do: a JSON of its own, the same for each.
struct PlanView {
    std::string job;  ///< empty for exec
    std::string task; ///< the command's text, or what the task does
    std::string targets;
    std::uint32_t count = 0;
    std::string order, parallel;
    bool run_once = false;
    std::vector<WaveView> waves;
};
BOOST_DESCRIBE_STRUCT(PlanView, (), (job, task, targets, count, order, parallel, run_once, waves))

struct DueList {
    std::vector<DueView> items;
    std::string why; ///< there are none, of one job
};
BOOST_DESCRIBE_STRUCT(DueList, (), (items, why))

/// Why a run, or an instant of a job, ran, did not run, or will.
struct WhyView {
    std::string job; ///< empty for exec
    std::string run; ///< the row that tells; empty: none does
    std::optional<std::string> due;
    std::string local, tz; ///< `due` as clocks show it there
    std::string verdict;   ///< ran, running, waiting, skipped, missed, will_run, will_skip, not_due, too_early, not_recorded, never_ran
    std::vector<std::string> because; ///< a sentence each
    std::optional<std::string> next;  ///< the job's next instant
};
BOOST_DESCRIBE_STRUCT(WhyView, (), (job, run, due, local, tz, verdict, because, next))

struct ProblemView {
    std::string kind, job, place, message;
};
BOOST_DESCRIBE_STRUCT(ProblemView, (), (kind, job, place, message))

struct CatalogView {
    std::string version, file, digest, state_dir;
    std::int64_t pid = 0;
    std::uint32_t nodes = 0, jobs = 0;
    std::vector<ProblemView> problems;
    std::string last_error; ///< why the newest text was not taken; empty when it was
    std::vector<std::string> groups; ///< names that @NAME takes
    std::string draining;   ///< who had the daemon begin nothing new, and since when; empty: it works as ever
};
BOOST_DESCRIBE_STRUCT(CatalogView, (),
                      (version, file, digest, state_dir, pid, nodes, jobs, problems, last_error, groups, draining))

struct VersionView {
    std::string version, api = "v1";
};
BOOST_DESCRIBE_STRUCT(VersionView, (), (version, api))

// Requests. A field left out keeps its default.

struct StartJob {
    std::string job;
    std::string limit; ///< a NodeSet: only these of the job's targets
    std::uint32_t parallel = 0;   ///< nodes at once; 0: as configured
    bool parallel_auto = false;   ///< a width that follows what the run sees, in place of a number
    std::string become_password;  ///< for sudo on the nodes; neither stored, logged nor shown
    std::string due; ///< the nominal instant that it stands for, of a backfill; empty: none
    bool check = false; ///< say what the job would do, and do nothing: a run of its own, and none of the job's
};
BOOST_DESCRIBE_STRUCT(StartJob, (), (job, limit, parallel, parallel_auto, become_password, due, check))

struct StartExec {
    std::string targets; ///< a NodeSet
    std::string limit;   ///< a NodeSet: only these of them
    std::string command; ///< shell text
    std::string task;    ///< instead of a command: a task's dotted name, with `kwargs`
    boost::json::object kwargs;
    std::uint32_t parallel = 0; ///< and the next: as in StartJob
    bool parallel_auto = false;
    bool adhoc = false; ///< targets may be any host names
    std::string user;   ///< for ad-hoc targets; empty: ssh_config's, else the daemon's own
    std::uint16_t port = 0; ///< 0: ssh_config's, else 22
    std::string identity;
    std::int64_t connect_ms = -1, command_ms = -1, run_ms = -1; ///< deadlines; -1: the default, 0: none
    std::int64_t connect_tries = 0;                             ///< 0: the default
    std::string stdin_base64; ///< what the command reads, at most limits::input_bytes; empty: nothing
    bool pty = false, become = false;
    std::string become_user;     ///< empty: what the node's `become` says, else root
    std::string become_password; ///< empty: the same, else none; neither stored, logged nor shown
    bool end_with_link = false;  ///< the node ends the command when the connection is lost
    bool check = false;          ///< say what the task would do, and do nothing
};
BOOST_DESCRIBE_STRUCT(StartExec, (),
                      (targets, limit, command, task, kwargs, parallel, parallel_auto, adhoc, user, port, identity, connect_ms, command_ms, run_ms,
                        connect_tries, stdin_base64, pty, become, become_user, become_password, end_with_link, check))

/// Runs nodes of a run again that did not succeed, as that run was told to.
struct StartRetry {
    std::string id;     ///< or its unique beginning, or `last`
    std::string states; ///< `failed,unreachable`; empty: all but ok, changed and skipped
    std::string limit;  ///< a NodeSet: only these of them
    std::uint32_t parallel = 0; ///< and the rest: as in StartJob
    bool parallel_auto = false;
    std::string become_password;
};
BOOST_DESCRIBE_STRUCT(StartRetry, (), (id, states, limit, parallel, parallel_auto, become_password))

struct DrainRequest {
    bool undo = false; ///< begin new work again
};
BOOST_DESCRIBE_STRUCT(DrainRequest, (), (undo))

struct RunRef {
    std::string id; ///< or its unique beginning, or `last`
};
BOOST_DESCRIBE_STRUCT(RunRef, (), (id))

/// A look at a run. Made of a RunRef, it does not wait.
struct RunQuery {
    RunQuery() = default;
    RunQuery(RunRef ref) : id(std::move(ref.id)) {}
    std::string id;
    std::string wait; ///< a duration: until the run has ended, and at most so long; empty: not at all
};
BOOST_DESCRIBE_STRUCT(RunQuery, (), (id, wait))

struct NodeRef {
    std::string id, node;
};
BOOST_DESCRIBE_STRUCT(NodeRef, (), (id, node))

struct RunsQuery {
    std::string job, state;
    std::string before; ///< only older than this run: its id, or the unique beginning
    std::uint32_t limit = 20;
};
BOOST_DESCRIBE_STRUCT(RunsQuery, (), (job, state, before, limit))

struct JobsQuery {
    std::string name; ///< empty: all
};
BOOST_DESCRIBE_STRUCT(JobsQuery, (), (name))

struct JobName {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(JobName, (), (name))

struct EventsQuery {
    std::string after; ///< the id of the last event that the listener has; empty: from now on
};
BOOST_DESCRIBE_STRUCT(EventsQuery, (), (after))

struct NodesQuery {
    std::string targets; ///< a NodeSet; empty: all
};
BOOST_DESCRIBE_STRUCT(NodesQuery, (), (targets))

struct NodeName {
    std::string node;
};
BOOST_DESCRIBE_STRUCT(NodeName, (), (node))

struct TrustNode {
    std::string node;
    std::string fingerprint; ///< of the key that a person has approved; empty: look only
    bool replace = false;    ///< take Loom's own lines of another key away
};
BOOST_DESCRIBE_STRUCT(TrustNode, (), (node, fingerprint, replace))

struct PauseJob {
    std::string job;
    bool all = false; ///< every job, in place of one
    std::string reason;
    std::string until; ///< a time, or a duration from now on; empty: until it is resumed
};
BOOST_DESCRIBE_STRUCT(PauseJob, (), (job, all, reason, until))

struct ResumeJob {
    std::string job;
    bool all = false; ///< ends the pause of every job; those of single jobs stay
};
BOOST_DESCRIBE_STRUCT(ResumeJob, (), (job, all))

struct NextQuery {
    std::string job; ///< empty: every job
    std::string after;
    std::uint32_t count = 1;
};
BOOST_DESCRIBE_STRUCT(NextQuery, (), (job, after, count))

struct BackfillQuery {
    std::string job, from, to; ///< instants in [from, to)
    bool again = false;        ///< those too that have their run
    std::uint32_t max = 0;     ///< more are an error; 0: limits::backfill_runs
};
BOOST_DESCRIBE_STRUCT(BackfillQuery, (), (job, from, to, again, max))

/// One nominal instant of a backfill.
struct BackfillView {
    std::string due, local;
    bool runs = false;
    std::string why; ///< it does not run
};
BOOST_DESCRIBE_STRUCT(BackfillView, (), (due, local, runs, why))

struct BackfillList {
    std::vector<BackfillView> items;
};
BOOST_DESCRIBE_STRUCT(BackfillList, (), (items))

struct WhyQuery {
    std::string subject; ///< a job's name; or a run's id, its unique beginning, or `last`
    std::string at;      ///< of a job: an instant, `02:00` or a date and a time on its clocks; empty: its newest run
};
BOOST_DESCRIBE_STRUCT(WhyQuery, (), (subject, at))

/// One thing that happened in a run. Types: `snapshot`, also when a run that waited begins, and `run.finished` (data: a
/// RunView), `wave.started` (data: wave, waves, count), `nodes.started` (data: count, counts), `node.phase` (data: node, phase) and
/// `node.output` (see OutputStream) for who asks for output, `node.tried` (data: node,
/// and in `tried` how it was logged in to), `node.finished` (data: result, a NodeResultView, and counts), `run.overdue`
/// (data: a RunView), `run.stalled` (data: message; the ledger cannot be written), `gap`. `counts` is how many nodes of the run are in each state then; events come in about the order
/// in which that changed.
struct Event {
    std::uint64_t id = 0;
    std::string type, run;
    boost::json::object data;
};
BOOST_DESCRIBE_STRUCT(Event, (), (id, type, run, data))

} // namespace loom
