#include "core/run/queries.hpp"

#include "core/base/base64.hpp"
#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "core/model/task_params.hpp"
#include "core/run/scheduler.hpp"
#include "core/run/to_views.hpp"
#include "core/schedule/fan_out.hpp"
#include "core/schedule/overlap.hpp"

#include <algorithm>
#include <set>
#include <spdlog/fmt/fmt.h>
#include <unordered_set>
#include <utility>

namespace loom {
namespace {

std::vector<std::string> within(const std::vector<std::string>& names, const std::vector<std::string>& allowed) {
    const std::unordered_set<std::string> known(allowed.begin(), allowed.end());
    std::vector<std::string> kept;
    for (const auto& name : names)
        if (known.contains(name)) kept.push_back(name);
    return kept;
}

std::optional<Milliseconds> deadline(std::int64_t ms) {
    if (ms < 0) return std::nullopt;
    return Milliseconds(ms);
}

void add_schedule(JobView& view, const Job& job, const Facts& facts, Instant now) {
    view.schedule = job.schedule->text;
    view.tz = job.schedule->zone->name();
    if (job.schedule->count > 0) view.spent = facts.started;
    const auto at = upcoming(job, now, facts);
    if (at) view.next = to_rfc3339(*at);
    else if (job.schedule->cron.kind != Cron::Kind::reboot) view.status = "finished";
}

/// Of those in force the one that ends last: a job goes on when all are over.
const Pause* longest_pause(const Facts& facts, Instant now) {
    const Pause* longest = nullptr;
    if (!facts.pauses) return nullptr;
    for (const auto& pause : *facts.pauses) {
        if (!pause.in_force(now)) continue;
        if (!longest || (longest->until && (!pause.until || *longest->until < *pause.until))) longest = &pause;
    }
    return longest;
}

void add_pause(JobView& view, const Facts& facts, Instant now) {
    const auto* pause = longest_pause(facts, now);
    if (!pause) return;
    view.status = "paused";
    view.pause = to_view(*pause);
    view.message = fmt::format("{} ({}{}{})", pause->reason, pause->by, pause->until ? ", until " : "",
                               pause->until ? to_rfc3339(*pause->until) : "");
}

/// What the schedule's policies are, for a job that has any use for them.
void add_policies(JobView& view, const Job& job) {
    const bool by_itself = job.schedule || !job.policy->after.empty();
    if (by_itself)
        view.catchup = CatchUpView{std::string(to_string(job.policy->catch_up)), job.policy->catch_up_window.count(), job.policy->catch_up_max, job.policy->catch_up_nodes};
    view.overlap = OverlapView{std::string(to_string(job.policy->overlap)), std::string(to_string(job.policy->overlap_scope))};
    if (const auto& expect = job.policy->expect; expect.start_within.count() > 0 || expect.finish_within.count() > 0 || expect.longer_than_usual > 0)
        view.expect = ExpectView{expect.start_within.count(), expect.finish_within.count(), expect.longer_than_usual};
    if (job.policy->blackout.calendars.empty()) return;
    view.blackout.emplace();
    view.blackout->policy = job.policy->blackout.hold ? "hold" : "skip";
    for (const auto& calendar : job.policy->blackout.calendars) view.blackout->calendars.push_back(calendar->name());
}

JobView job_view(const Job& job, const JobsKnown& known, Instant now) {
    JobView view;
    view.name = job.name;
    view.description = job.description;
    view.task = describe_task(*job.task);
    view.targets = job.targets->text;
    view.nodes = static_cast<std::uint32_t>(job.targets->nodes.size());
    view.status = job.schedule || !job.policy->after.empty() ? "active" : "manual";
    view.after = after_text(job);
    view.source = to_string(job.source);
    add_policies(view, job);
    const auto facts = known.of(job);
    if (job.schedule) add_schedule(view, job, facts, now);
    add_pause(view, facts, now);
    const auto fact = known.facts.find(job.name);
    if (fact == known.facts.end()) return view;
    view.last_run = fact->second.last_run;
    if (fact->second.last_state) view.last_state = to_string(*fact->second.last_state);
    if (fact->second.last_started) view.last_started = to_rfc3339(*fact->second.last_started);
    return view;
}

/// Says which of the command line's words is wrong.
Error about(std::string_view word, const Error& error) { return {error.code, fmt::format("{}: {}", word, error.message)}; }

/// Only those of the limit, where there is one; `expand` reads it.
template <class Expand>
Result<std::vector<std::string>> limited(std::vector<std::string> names, const std::string& limit, const std::string& targets,
                                         Expand expand) {
    if (limit.empty()) return names;
    const auto allowed = expand(limit);
    if (!allowed) return about("--limit", allowed.error());
    names = within(names, *allowed);
    if (names.empty()) return usage_error(fmt::format("--limit: {} leaves none of the targets ({})", limit, targets));
    return names;
}

Result<std::vector<std::string>> exec_targets(const Catalog& catalog, const StartExec& request,
                                              const GroupLookup& failed) {
    const bool any = request.adhoc || catalog.settings.file.empty();
    const auto expand = [&](const std::string& expression) {
        return any ? expand_nodeset(expression, failed) : catalog.expand(expression, failed);
    };
    auto names = expand(request.targets);
    if (!names) return about("TARGETS", names.error());
    return limited(std::move(*names), request.limit, request.targets, expand);
}

/// A job's run as a look at what it would do. Whatever waits for the job, follows it, counts its runs or tells of them does not see it, and
/// it goes on beside them.
Firing as_check(Firing firing) {
    auto& plan = firing.plan;
    firing.label = fmt::format("check {}: {}", firing.job, firing.label);
    plan.checked_job = std::exchange(firing.job, {});
    plan.task.check = true;
    plan.node_overlap = Overlap::allow;
    plan.made_up = false;
    plan.expect = {};
    plan.log_file = {};
    firing.overlap = Overlap::allow;
    firing.reason = Reason::check;
    return firing;
}

/// What goes with a shell line: input, a terminal, another user.
Result<void> add_extras(const StartExec& request, TaskSpec& task) {
    task.check = request.check;
    task.pty = request.pty;
    task.end_with_link = request.end_with_link;
    if (!request.stdin_base64.empty()) {
        auto input = base64_decode(request.stdin_base64);
        if (!input) return usage_error("stdin_base64 is not base64");
        if (input->size() > limits::input_bytes)
            return usage_error(fmt::format("the input has more than {} bytes: give a command this much as a file",
                                           limits::input_bytes));
        task.input = std::make_shared<const std::string>(std::move(*input));
    }
    if (!request.become && !(request.become_user.empty() && request.become_password.empty()))
        return usage_error("a user or a password to become somebody with, but not become itself");
    if (request.become) {
        task.become.emplace();
        task.become->user = request.become_user;
        if (auto set = set_become_password(task, request.become_password); !set) return set.error();
    }
    if (task.input && task.end_with_link)
        return usage_error("a command that ends with its connection has no input: the stream is what it watches");
    return {};
}

/// A shell line, or a task by its name.
Result<TaskSpec> work_of(const StartExec& request) {
    TaskSpec work;
    if (auto added = add_extras(request, work); !added) return added.error();
    if (request.task.empty()) {
        if (request.command.find_first_not_of(" \t\n") == std::string::npos) return usage_error("there is no command to run");
        work.name = "fabric.api.run";
        work.args.emplace_back(request.command);
        return work;
    }
    if (!request.command.empty()) return usage_error("expected a command or a task, not both");
    work.name = request.task;
    work.kwargs = request.kwargs;
    return work;
}

} // namespace

const Problem* problem_of(const Catalog& catalog, std::string_view job) {
    for (const auto& problem : catalog.problems)
        if (problem.job == job && problem.kind != Problem::Kind::warning) return &problem;
    return nullptr;
}

Error no_job(const Catalog& catalog, const std::string& name) {
    if (const auto* problem = problem_of(catalog, name))
        return {Errc::conflict, fmt::format("job \"{}\" cannot run: {}: {}", name, problem->place, problem->message)};
    const auto* hint = catalog.jobs.empty() && catalog.settings.file.empty() ? ": there is no configuration" : "";
    return not_found(fmt::format("there is no job \"{}\"{}{}", name, hint, did_you_mean(name, catalog.job_names())));
}

Result<void> set_become_password(TaskSpec& task, const std::string& password) {
    if (password.empty()) return {};
    if (password.find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
        return usage_error("a password for sudo is one line");
    if (!task.become && task.name != "fabric.api.sudo") return usage_error("a password for sudo, but nothing goes through sudo");
    if (!task.become) task.become.emplace();
    task.become->password = Secret(password);
    return {};
}

Result<Firing> firing_of(CatalogPtr catalog, const StartJob& request, const GroupLookup& failed) {
    const auto* job = catalog->find_job(request.job);
    if (!job) return no_job(*catalog, request.job);
    if (const auto needed = params_of(*job->task); !needed.empty())
        return Error{Errc::conflict, fmt::format("job \"{}\" needs {{{{ params.{} }}}}, which only a webhook gives", job->name, needed.front())};
    const auto targets = limited(job->targets->nodes, request.limit, job->targets->text,
                                 [&](const std::string& expression) { return catalog->expand(expression, failed); });
    if (!targets) return targets.error();
    Firing firing;
    if (!request.due.empty()) {
        const auto due = parse_instant(request.due);
        if (!due) return usage_error("due: " + due.error().message);
        firing.due = *due;
    }
    firing.job = job->name;
    firing.reason = firing.due ? Reason::backfill : Reason::manual;
    firing.label = describe_task(*job->task);
    firing.overlap = overlap_of_runs(*job);
    firing.on_empty = job->policy->on_empty;
    firing.plan = plan_of(*job, catalog, *targets);
    set_parallel(firing.plan.fan_out, request.parallel, request.parallel_auto);
    if (auto set = set_become_password(firing.plan.task, request.become_password); !set) return set.error();
    if (request.check) firing = as_check(std::move(firing));
    return firing;
}

Result<Firing> firing_of(CatalogPtr catalog, const StartExec& request, const GroupLookup& failed) {
    auto work = work_of(request);
    if (!work) return work.error();
    auto names = exec_targets(*catalog, request, failed);
    if (!names) return names.error();
    Firing firing;
    firing.reason = request.check ? Reason::check : Reason::exec;
    firing.label = describe_task(*work);
    auto& plan = firing.plan;
    plan.task = std::move(*work);
    set_parallel(plan.fan_out, request.parallel, request.parallel_auto);
    if (const auto ms = deadline(request.connect_ms)) plan.timeout.connect = *ms;
    if (const auto ms = deadline(request.command_ms)) plan.timeout.command = *ms;
    if (const auto ms = deadline(request.run_ms)) plan.timeout.run = *ms;
    if (request.connect_tries > 0) plan.retry.connect = static_cast<int>(std::min<std::int64_t>(request.connect_tries, 100));
    plan.adhoc.reserve(names->size()); // the targets point into it
    for (const auto& name : *names) {
        if (const auto* node = catalog->find_node(name)) {
            plan.nodes.push_back(node);
            continue;
        }
        Node node;
        node.name = name;
        node.address = name;
        node.port = request.port;
        node.user = request.user;
        node.identity = request.identity;
        plan.adhoc.push_back(std::move(node));
        plan.nodes.push_back(&plan.adhoc.back());
    }
    plan.catalog = std::move(catalog);
    return firing;
}

Result<std::vector<NodeResult>> within_limit(const Catalog& catalog, std::vector<NodeResult> results, const std::string& limit,
                                             const GroupLookup& failed) {
    if (limit.empty()) return results;
    std::vector<std::string> targets;
    for (const auto& result : results) targets.push_back(result.node);
    // A run may have nodes that no catalog has any more: its own targets are the names there are.
    std::optional<Error> wrong;
    const GroupLookup members = [&](std::string_view term) -> std::optional<std::vector<std::string>> {
        const auto found = catalog.expand(fmt::format("@{}", term), failed);
        if (found) return within(*found, targets);
        wrong = found.error();
        return std::nullopt;
    };
    const auto allowed = expand_nodeset(limit, members);
    if (!allowed) return about("--limit", wrong ? *wrong : allowed.error());
    const std::unordered_set<std::string> known(targets.begin(), targets.end());
    for (const auto& name : *allowed)
        if (!known.contains(name))
            return not_found(fmt::format("--limit: \"{}\" is no target of the run{}", name, did_you_mean(name, targets)));
    const std::unordered_set<std::string> kept(allowed->begin(), allowed->end());
    std::erase_if(results, [&](const auto& result) { return !kept.contains(result.node); });
    return results;
}

PlanView plan_view(const Firing& firing) {
    const auto& plan = firing.plan;
    const auto& fan_out = plan.fan_out;
    const bool drawn = fan_out.order.kind == DialOrder::Kind::random;
    const auto order = dial_order(fan_out.order, plan.nodes, {});
    const auto names = [&](std::size_t from, std::size_t to) {
        std::vector<std::string> some;
        for (auto i = from; i < to; ++i) some.push_back(plan.nodes[order[i]]->name);
        return fold_nodeset(some);
    };
    PlanView view;
    view.job = firing.job;
    view.task = firing.label;
    view.targets = names(0, order.size());
    view.count = static_cast<std::uint32_t>(order.size());
    view.order = drawn ? "random" : fan_out.order.label.empty() ? "inventory" : "label:" + fan_out.order.label;
    view.parallel = fan_out.parallel_auto ? "auto" : std::to_string(fan_out.parallel);
    view.run_once = fan_out.run_once;
    std::uint32_t begin = 0;
    for (const auto end : wave_ends(fan_out.run_once ? std::vector<Amount>{} : fan_out.waves, order.size())) {
        view.waves.push_back({drawn ? std::string{} : names(begin, end), end - begin});
        begin = end;
    }
    return view;
}

Result<RunFilter> filter_of(const RunsQuery& query) {
    RunFilter filter;
    filter.job = query.job;
    filter.before = query.before;
    filter.limit = std::clamp<std::size_t>(query.limit, 1, limits::page_items);
    if (query.state.empty()) return filter;
    filter.state = parse_run_state(query.state);
    if (filter.state) return filter;
    std::vector<std::string> states;
    for (std::size_t i = 0; i < run_states; ++i) states.emplace_back(to_string(static_cast<RunState>(i)));
    return usage_error(fmt::format("\"{}\" is no state of a run{}; expected one of {}", query.state,
                                   did_you_mean(query.state, states), fmt::join(states, ", ")));
}

Facts JobsKnown::of(const Job& job) const {
    Facts of_job;
    of_job.pauses = pauses.of(job.name);
    const auto found = facts.find(job.name);
    if (found != facts.end() && job.schedule && found->second.schedule_text == identity(*job.schedule))
        of_job.started = found->second.started;
    return of_job;
}

Result<JobList> list_jobs(const Catalog& catalog, const JobsQuery& query, const JobsKnown& known, Instant now) {
    JobList list;
    for (const auto& job : catalog.jobs)
        if (query.name.empty() || query.name == job.name) list.items.push_back(job_view(job, known, now));
    std::map<std::string_view, std::string> hooks;
    for (const auto& hook : catalog.hooks) hooks[hook.job] += (hooks[hook.job].empty() ? "" : ", ") + hook.name;
    for (auto& view : list.items) {
        const auto found = hooks.find(view.name);
        if (found == hooks.end()) continue;
        view.hooks = found->second;
        if (view.status == "manual") view.status = "active";
    }
    std::set<std::string_view> listed; // once, whatever else is wrong with it
    for (const auto& problem : catalog.problems) {
        if (problem.kind == Problem::Kind::warning || problem.job.empty()) continue;
        if (!query.name.empty() && query.name != problem.job) continue;
        if (!listed.insert(problem.job).second) continue;
        JobView view;
        view.name = problem.job;
        view.status = problem.kind == Problem::Kind::unavailable ? "unavailable" : "quarantined";
        view.message = problem.message;
        view.source = problem.place;
        list.items.push_back(std::move(view));
    }
    if (list.items.empty() && !query.name.empty()) return no_job(catalog, query.name);
    std::ranges::stable_sort(list.items, natural_less, &JobView::name);
    return list;
}

Result<NodeList> list_nodes(const Catalog& catalog, const NodesQuery& query, const GroupLookup& failed) {
    NodeList list;
    if (query.targets.empty()) {
        for (const auto& node : catalog.nodes) list.items.push_back(to_view(node));
        return list;
    }
    const auto names = catalog.expand(query.targets, failed);
    if (!names) return about("--limit", names.error());
    for (const auto& name : *names)
        if (const auto* node = catalog.find_node(name)) list.items.push_back(to_view(*node));
    return list;
}

Result<Node> node_of(const Catalog& catalog, const std::string& name) {
    if (const auto* node = catalog.find_node(name)) return *node;
    if (!catalog.settings.file.empty())
        return not_found(fmt::format("there is no node \"{}\"{}", name, did_you_mean(name, catalog.node_names())));
    const auto names = expand_nodeset(name);
    if (!names || names->size() != 1) return usage_error(fmt::format("\"{}\" is no host name", name));
    Node node;
    node.name = node.address = names->front();
    return node;
}

} // namespace loom
