#include "core/run/due.hpp"
#include "core/run/why_words.hpp"

#include "core/base/counted.hpp"
#include "core/base/limits.hpp"
#include "core/base/utf8.hpp"
#include "core/schedule/after.hpp"
#include "core/schedule/decide.hpp"
#include "core/schedule/fan_out.hpp"
#include "core/time/clock_change.hpp"
#include "core/time/explain.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

using namespace std::chrono;

/// Up to here a start is called on time.
constexpr Milliseconds prompt = seconds(2);

/// The newest instant before `at`. Looks back in widening steps, as far as `next` looks ahead.
std::optional<Instant> previous(const Schedule& schedule, Instant at) {
    const auto least = at - years(limits::cron_years);
    for (Milliseconds back = minutes(1);; back *= 2) {
        const auto from = std::max(at - back, least);
        std::optional<Instant> newest;
        for (auto due = next(schedule, from - milliseconds(1)); due && *due < at; due = next(schedule, *due)) newest = due;
        if (newest || from == least) return newest;
    }
}

class WhyAnswer {
public:
    explicit WhyAnswer(const WhyFacts& facts) : facts_(facts), zone_(*facts.zone) {
        view_.job = facts.job;
        view_.tz = zone_.name();
    }

    WhyView give() {
        if (facts_.row) {
            of_row(*facts_.row);
        } else if (facts_.at && facts_.configured && facts_.configured->schedule) {
            of_instant(*facts_.configured, *facts_.configured->schedule);
        } else if (facts_.at && facts_.configured && !facts_.configured->policy->after.empty()) {
            of_follower(*facts_.configured);
        } else {
            set_verdict("never_ran");
            if (facts_.at) say("Nothing is recorded of {} at {}.", facts_.job, time(*facts_.at));
            else say("{} has not run yet.", facts_.job);
        }
        if (auto instants = told_instants(facts_, known())) view_.because.push_back(valid_utf8(*instants));
        of_job();
        return std::move(view_);
    }

private:
    template <class... Args>
    void say(fmt::format_string<Args...> format, Args&&... args) {
        view_.because.push_back(valid_utf8(fmt::format(format, std::forward<Args>(args)...)));
    }
    void set_verdict(std::string_view verdict) { view_.verdict = verdict; }
    void set_due(Instant due) {
        view_.due = to_rfc3339(due);
        view_.local = wall_time(due, zone_);
    }
    std::string time(Instant at) const { return clock_text(at, zone_) + " in " + zone_.name(); }
    std::string ago(Instant at) const {
        return at <= facts_.now ? short_duration(facts_.now - at) + " ago" : "in " + short_duration(at - facts_.now);
    }

    void of_row(const Run& run) {
        view_.run = run.id;
        if (run.due) set_due(*run.due);
        if (run.state == RunState::waiting) {
            set_verdict("waiting");
            say("It was due at {} and {}.", time(run.due.value_or(run.started)),
                run.message.starts_with("waits ") ? run.message : "waits: " + run.message);
            if (!run.note.empty()) say("{}.", run.note);
            return;
        }
        if (run.state == RunState::missed || (run.state == RunState::skipped && began_nowhere(run) && run.reason != Reason::manual)) {
            not_run(run);
            return;
        }
        begun(run);
        ended(run);
    }

    /// No target, or a run that ended while it waited.
    static bool began_nowhere(const Run& run) {
        return run.counts[static_cast<std::size_t>(NodeState::not_started)] == run.target_count;
    }

    void not_run(const Run& run) {
        set_verdict(to_string(run.state));
        const auto due = run.due ? time(*run.due) : time(run.started);
        if (run.reason == Reason::webhook) say("A delivery to {} came at {} and did not run: {}.", run.by, due, run.message);
        else say("It was due at {} and did not run: {}.", due, run.message);
        if (const auto& other = facts_.in_the_way) say("In the way was run {}, which {}.", other->id, course(*other));
        if (run.due && run.started - *run.due > prompt + splay(*run.due))
            say("That was decided at {}, {} later.", clock_text(run.started, zone_), short_duration(run.started - *run.due));
    }

    /// `began at 2026-11-28 08:00 and ended at 2026-11-28 08:07 (ok)`
    std::string course(const Run& run) const {
        const auto began = clock_text(run.started, zone_);
        if (run.state == RunState::skipped || run.state == RunState::missed) return fmt::format("was {} at {}", to_string(run.state), began);
        if (run.state == RunState::waiting) return fmt::format("has been waiting since {}", began);
        if (!run.finished) return fmt::format("began at {} and is still running", began);
        return fmt::format("began at {} and ended at {} ({})", began, clock_text(*run.finished, zone_), to_string(run.state));
    }

    Milliseconds splay(Instant due) const { return facts_.configured ? splay_of(*facts_.configured, due) : Milliseconds(0); }

    void begun(const Run& run) {
        set_verdict(run.state == RunState::running ? "running" : "ran");
        if (run.reason == Reason::after) {
            say("It began at {}, after run{} {}.", time(run.started), run.upstream.size() == 1 ? "" : "s", fmt::join(run.upstream, ", "));
            return;
        }
        if (run.reason == Reason::backfill) {
            say("{} had it made up at {}, for {}.", run.by, time(run.started), run.due ? time(*run.due) : "no instant");
            return;
        }
        if (run.reason == Reason::rerun) {
            say("It began at {} in place of run {}, which a crash had left open.", time(run.started), run.of);
            return;
        }
        if (run.reason == Reason::node_catch_up) {
            say("It began at {} for {}, on a node that run {} had not reached and that was back.", time(run.started),
                run.due ? time(*run.due) : "no instant", run.of);
            return;
        }
        if (run.reason == Reason::webhook) {
            say("A delivery to {} started it at {}.", run.by, time(run.started));
            return;
        }
        if (!run.due) {
            const auto what = run.reason == Reason::retry ? fmt::format("to repeat run {}", run.of) : std::string("by hand");
            say("{} started it {} at {}.", run.by, what, time(run.started));
            return;
        }
        const auto late = run.started - *run.due, splayed = splay(*run.due);
        if (run.reason == Reason::catch_up)
            say("It was due at {} and began {} later, as a catch-up: nothing had started it on time.", time(*run.due), short_duration(late));
        else if (run.finished && run.target_count > 0 && began_nowhere(run))
            say("It was due at {} and began on no node.", time(*run.due));
        else if (late <= prompt)
            say("It was due at {} and began on time.", time(*run.due));
        else if (splayed.count() > 0 && late >= splayed && late <= splayed + prompt)
            say("It was due at {} and began {} later, by the job's splay.", time(*run.due), short_duration(late));
        else
            say("It was due at {} and began {} later.", time(*run.due), short_duration(late));
    }

    void ended(const Run& run) {
        std::vector<std::string> counts;
        for (std::size_t i = 0; i < node_states; ++i)
            if (run.counts[i] > 0) counts.push_back(fmt::format("{} {}", run.counts[i], to_string(static_cast<NodeState>(i))));
        const auto nodes = fmt::format("{}: {}", counted(run.target_count, "node"), fmt::join(counts, ", "));
        if (!run.finished) say("It has been running for {}.", short_duration(facts_.now - run.started));
        else if (run.message.empty()) say("It ended {} after {}.", to_string(run.state), short_duration(*run.finished - run.started));
        else say("It ended {} after {}: {}.", to_string(run.state), short_duration(*run.finished - run.started), run.message);
        if (!run.note.empty()) say("{}.", run.note);
        if (run.target_count > 0) say("{}.", nodes);
        if (facts_.made_up > 0 && run.reason != Reason::node_catch_up)
            say("{} that it did not reach got a run of {} own since.", counted(facts_.made_up, "node"), facts_.made_up == 1 ? "its" : "their");
    }

    /// No row tells: what the schedule and the job's other rows say.
    void of_instant(const Job& job, const Schedule& schedule) {
        const auto due = next(schedule, *facts_.at - milliseconds(1));
        if (!due || *due >= end_of(*facts_.at)) {
            not_due(schedule, due);
            return;
        }
        if (is_finished(job, known()) && !(known().last_due && *due <= *known().last_due)) {
            set_verdict("not_due");
            say("{} is not due at {}: its schedule has started as many runs as it may (count: {}).", facts_.job, time(*due),
                schedule.count);
            return;
        }
        if (*due > facts_.now && !count_reaches(job, *due, facts_.now, known())) {
            set_verdict("not_due");
            say("{} is not due at {}: its schedule will have started as many runs as it may by then (count: {}).", facts_.job,
                time(*due), schedule.count);
            return;
        }
        set_due(*due);
        if (*due > facts_.now) will(job, *due);
        else passed(job, *due);
    }

    /// It has no instants: what there was about that time.
    void of_follower(const Job& job) {
        set_verdict("not_due");
        say("{} is due at no time of its own: it runs when what it follows has ended.", facts_.job);
        if (*facts_.at > facts_.now) return;
        std::vector<std::string> names{facts_.job};
        for (const auto& after : job.policy->after) names.push_back(after.job);
        for (const auto& name : names) {
            const auto run = std::ranges::find(facts_.by_then, name, &Run::job);
            if (run == facts_.by_then.end()) say("{} had not run by {}.", name, time(*facts_.at));
            else say("The newest run of {} by then, {}, {}.", name, run->id, course(*run));
        }
    }

    void not_due(const Schedule& schedule, std::optional<Instant> after) {
        set_verdict("not_due");
        say("{} is not due at {}: `{}` means {}.", facts_.job, time(*facts_.at), schedule.text, lower(explain(schedule.cron)));
        const auto before = previous(schedule, *facts_.at);
        if (before && after) say("The instants around it are {} and {}.", clock_text(*before, zone_), clock_text(*after, zone_));
        else if (after) say("The first instant is {}.", time(*after));
        else if (before) say("The last instant was {}.", time(*before));
        say_bounds(schedule);
        say_clock_change(schedule);
    }

    /// What keeps an instant of the expression from being one of the schedule.
    void say_bounds(const Schedule& schedule) {
        auto unbounded = schedule;
        unbounded.start = unbounded.end = std::nullopt;
        unbounded.only.clear();
        const auto due = next(unbounded, *facts_.at - milliseconds(1));
        if (!due || *due >= end_of(*facts_.at)) return;
        if (schedule.start && *due < *schedule.start) {
            say("It is due only from {} on (start).", clock_text(*schedule.start, zone_));
        } else if (schedule.end && *due > *schedule.end) {
            say("It is due only until {} (end).", clock_text(*schedule.end, zone_));
        } else if (!schedule.only.empty()) {
            std::vector<std::string> names;
            for (const auto& calendar : schedule.only) names.push_back("\"" + calendar->name() + "\"");
            say("It is due only while a calendar holds: {} (only).", fmt::join(names, ", "));
        }
    }

    /// A time that the clocks leave out or repeat on that day explains much.
    void say_clock_change(const Schedule& schedule) {
        const auto transition = zone_.index_at(floor<seconds>(*facts_.at) + hours(12));
        const auto when = clocks_change_at(zone_, transition);
        if (!when || abs(*when - *facts_.at) > hours(12)) return;
        if (const auto change = clock_change(schedule, transition)) say("{}.", to_words(*change, zone_));
    }

    /// What a decision about the job looks at.
    Facts known() const {
        Facts known;
        known.in_flight = !facts_.in_flight.empty();
        known.pauses = facts_.pauses;
        if (!facts_.recorded) return known;
        known.last_due = facts_.recorded->last_due;
        known.since = facts_.recorded->since;
        known.started = facts_.recorded->started;
        return known;
    }

    void will(const Job& job, Instant due) {
        if (const auto* pause = paused(known(), due)) {
            set_verdict("will_skip");
            say("It will not run at {}, {}: {}.", time(due), ago(due), pause_words(*pause, facts_));
            return;
        }
        const auto decision = foresee(job, due);
        if (decision.kind == Decision::Kind::skip || decision.kind == Decision::Kind::missed) {
            set_verdict("will_skip");
            say("It will not run at {}, {}: {}.", time(due), ago(due), decision.why);
            return;
        }
        set_verdict("will_run");
        say("It will run at {}, {}: `{}` means {}.", time(due), ago(due), job.schedule->text, lower(explain(job.schedule->cron)));
        if (const auto later = splay_of(job, due); later.count() > 0)
            say("It begins {} later, by the job's splay.", short_duration(later));
        if (decision.kind == Decision::Kind::hold) say("It is held until {}: {}.", clock_text(decision.until, zone_), decision.why);
        say_clock_change(*job.schedule);
        say_pending(job);
    }

    /// What may still keep the instant from running.
    void say_pending(const Job& job) {
        if (!facts_.in_flight.empty() && job.policy->overlap == Overlap::skip)
            say("Run {} is in flight since {}: if it has not ended by then, {}.", facts_.in_flight.front().id,
                clock_text(facts_.in_flight.front().started, zone_),
                job.policy->overlap_scope == OverlapScope::job ? "the instant is skipped (overlap: skip)"
                                                       : "the nodes that it still has are skipped (overlap: skip, scope: node)");
        if (job.targets->nodes.empty()) say("The job has no target now: a run without one is {} (on_empty).", to_string(state_of_none(job.policy->on_empty)));
        if (!facts_.serving) say("No daemon is running, and only a daemon starts jobs by their schedule: `loom serve`.");
    }

    void passed(const Job& job, Instant due) {
        const auto& recorded = facts_.recorded;
        if (const auto* pause = pause_that_holds(known(), due)) {
            set_verdict("not_recorded");
            say("It was due at {} and fell into a pause: {}. One row sums up all that fell into it, once it is over.", time(due),
                pause_words(*pause, facts_, "was"));
        } else if (!seen()) {
            set_verdict("not_recorded");
            say("It was due at {}, but no daemon has taken this job's schedule up yet, so nothing is made up for it.", time(due));
        } else if (due < recorded->since) {
            set_verdict("too_early");
            say("It was not to run at {}: the job has had its schedule `{}` since {} only.", time(due), job.schedule->text, clock_text(recorded->since, zone_));
        } else if (recorded->last_due && due <= *recorded->last_due) {
            set_verdict("not_recorded");
            say("It was due at {}, and no row tells what became of it: it was one of many missed ones that the next row sums up, "
                "or its row is kept no more.", time(due));
        } else {
            undecided(job, due);
        }
    }

    /// The daemon has decided nothing since: what it would do now.
    void undecided(const Job& job, Instant due) {
        const auto decisions = catch_up(job, facts_.now, known());
        const auto found = std::ranges::find(decisions, due, &Decision::due);
        if (found != decisions.end() && found->kind == Decision::Kind::hold) return of_held(job, *found);
        set_verdict("not_recorded");
        if (facts_.serving && facts_.now - due <= prompt + splay(due)) {
            say("It was due at {} and is being decided now.", time(due));
            return;
        }
        say("It was due at {}, and no daemon has been running since to start it.", time(due));
        if (found == decisions.end()) return;
        if (found->kind == Decision::Kind::fire) say("A daemon that starts now would run it{}.", found->reason == Reason::catch_up ? ", as a catch-up" : "");
        else say("A daemon that starts now would record it as {}: {}.", found->kind == Decision::Kind::skip ? "skipped" : "missed", found->why);
    }

    /// It has come, and a blackout keeps it.
    void of_held(const Job& job, const Decision& decision) {
        const bool newest = held(job, facts_.now, known()).has_value();
        set_verdict(newest ? "will_run" : "will_skip");
        say("It was due at {} and is held until {}: {}.", time(decision.due), clock_text(decision.until, zone_), decision.why);
        if (newest) say_pending(job);
        else say("A later one is due by then and takes its place.");
    }

    /// What holds for the job as it is now.
    void of_job() {
        if (facts_.job.empty()) return;
        const auto* job = facts_.configured;
        if (!job) {
            if (facts_.problem.empty()) say("{} is not configured any more.", facts_.job);
            else say("{} cannot run now: {}.", facts_.job, facts_.problem);
            return;
        }
        if (!job->schedule && job->policy->after.empty()) say("{} has no schedule: it is started {}.", facts_.job, started_by(*facts_.catalog, *job));
        for (const auto& sentence : told_debts(facts_, known())) view_.because.push_back(valid_utf8(sentence));
        for (const auto& after : job->policy->after) say("It follows {} ({}).", after.job, to_string(after.when));
        if (!facts_.at) of_now(*job);
        if (const auto due = job->schedule ? upcoming(*job, facts_.now, known()) : std::nullopt) {
            view_.next = to_rfc3339(*due);
            if (view_.verdict == "will_run") return;
            say("Next: {}, {}.", time(*due), ago(*due));
            if (!facts_.at) say_pending(*job);
        } else if (job->schedule && !facts_.at) {
            if (job->schedule->cron.kind == Cron::Kind::reboot) say("It is due after each boot of the daemon's machine.");
            else if (!paused(known(), facts_.now)) say_end(*job);
        }
    }

    /// What keeps the job now, whatever was asked about.
    void of_now(const Job& job) {
        for (const auto& sentence : told_pauses(facts_)) view_.because.push_back(valid_utf8(sentence));
        if (const auto waits = seen() ? held(job, facts_.now, known()) : std::nullopt)
            say("What was due at {} is held until {}: {}.", time(waits->due), clock_text(waits->until, zone_), waits->why);
    }

    /// Whether a daemon has taken the job's schedule up.
    bool seen() const { return facts_.recorded && !facts_.recorded->schedule_text.empty(); }

    /// Nothing is to come; what is past may still want for a daemon.
    void say_end(const Job& job) {
        const auto late = seen() ? catch_up(job, facts_.now, known()) : std::vector<Decision>();
        if (late.empty()) say("Its schedule has nothing left to start.");
        else say("What was due at {} is not decided yet: that is a daemon's work.", time(late.back().due));
    }

    static std::string lower(std::string text) {
        if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + ('a' - 'A'));
        return text;
    }

    const WhyFacts& facts_;
    const Zone& zone_;
    WhyView view_;
};

} // namespace

WhyView why(const WhyFacts& facts) { return WhyAnswer(facts).give(); }

} // namespace loom
