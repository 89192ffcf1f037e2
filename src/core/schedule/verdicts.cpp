#include "core/schedule/verdicts.hpp"

#include "core/base/counted.hpp"
#include "core/base/limits.hpp"
#include "core/schedule/overlap.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using Ruling = std::optional<Decision>; // nothing: the next rule decides

Decision missed(const Instance& it, std::string why) {
    return {Decision::Kind::missed, it.due, Reason::catch_up, "not started on time, and " + std::move(why)};
}

Decision skipped(const Instance& it, Reason reason, std::string why) {
    return {Decision::Kind::skip, it.due, reason, std::move(why)};
}

Ruling bounds(const Instance& it) {
    const auto& facts = it.facts;
    if (!it.job.schedule || it.due < facts.since || (facts.last_due && it.due <= *facts.last_due)) return Decision{};
    if (is_finished(it.job, facts)) return Decision{};
    return std::nullopt;
}

/// When the instant may start: at once, or when the blackout that holds it is over.
Instant opening(const Instance& it) {
    const auto& blackout = it.job.policy->blackout;
    return blackout.hold ? first_outside(blackout.calendars, it.start).value_or(it.start) : it.start;
}

/// A blackout at `at`, which is the instant's start, or now where it would start late.
Ruling blackout(const Instance& it, Instant at) {
    const auto* calendar = calendar_at(it.job.policy->blackout.calendars, at);
    if (!calendar) return std::nullopt;
    const auto reason = at == it.start ? Reason::cron : Reason::catch_up;
    if (!it.job.policy->blackout.hold) return skipped(it, reason, fmt::format("in a blackout: calendar \"{}\"", calendar->name()));
    const auto opens = first_outside(it.job.policy->blackout.calendars, at).value_or(at);
    // One that is due right when the blackout ends takes the place of what it held, as a later one that it held does.
    if (it.newer && *it.newer <= it.now && *it.newer <= opens)
        return skipped(it, reason, fmt::format("held by a blackout (calendar \"{}\") until {}, but a later one was due at {}",
                                               calendar->name(), to_rfc3339(opens), to_rfc3339(*it.newer)));
    if (it.now < opens) return Decision{Decision::Kind::hold, it.due, reason, fmt::format("calendar \"{}\"", calendar->name()), opens};
    return std::nullopt;
}

/// What falls into a pause gets its row, one for all, when the pause is over; what came before it starts no more.
Ruling while_paused(const Instance& it) {
    if (pause_that_holds(it.facts, it.due)) return Decision{};
    if (const auto* pause = paused(it.facts, it.now)) return missed(it, paused_since(*pause));
    return std::nullopt;
}

/// Until when a late start is good. A blackout that holds puts it off.
Instant last_start(const Instance& it, Instant opens) {
    const auto last = opens + it.job.policy->catch_up_window;
    if (!it.job.policy->blackout.hold) return last;
    const auto outside = first_outside(it.job.policy->blackout.calendars, last).value_or(last);
    return outside == last ? last : outside + on_time;
}

/// Of several that came within the time that counts as none, only the newest is on time.
bool is_on_time(const Instance& it, Instant opens) {
    return it.now - opens <= on_time && !(it.newer && *it.newer <= it.now);
}

Ruling lateness(const Instance& it, Instant opens) {
    const auto& job = it.job;
    if (is_on_time(it, opens)) return std::nullopt;
    if (job.policy->catch_up == CatchUp::skip) return missed(it, "catch-up is off");
    if (job.policy->catch_up == CatchUp::last && it.newer && *it.newer <= it.now)
        return missed(it, fmt::format("a later one was due at {}", to_rfc3339(*it.newer)));
    if (it.now > last_start(it, opens))
        return missed(it, fmt::format("{} late is beyond the catch-up window of {}", short_duration(it.now - it.due),
                                      short_duration(job.policy->catch_up_window)));
    if (job.policy->catch_up == CatchUp::all && it.newer_count >= job.policy->catch_up_max)
        return missed(it, fmt::format("{} later ones were due too: catch-up takes the newest {}", it.newer_count,
                                      job.policy->catch_up_max));
    return blackout(it, it.now);
}

Decision start(const Job& job, Instant due, Reason reason, const Facts& facts) {
    if (facts.in_flight && overlap_of_runs(job) == Overlap::skip)
        return {Decision::Kind::skip, due, reason, "the job's run before has not ended (overlap: skip)"};
    return {Decision::Kind::fire, due, reason, {}};
}

} // namespace

Decision judge(const Instance& it) {
    if (const auto verdict = bounds(it)) return *verdict;
    if (const auto verdict = blackout(it, it.start)) return *verdict;
    if (const auto verdict = while_paused(it)) return *verdict;
    const auto opens = opening(it);
    if (const auto verdict = lateness(it, opens)) return *verdict;
    return start(it.job, it.due, is_on_time(it, opens) ? Reason::cron : Reason::catch_up, it.facts);
}

std::string paused_since(const Pause& pause) {
    return fmt::format("paused since {} by {}: {}", to_rfc3339(pause.since), pause.by, pause.reason);
}

Decision passed_over(const Pause& pause, Instant due, const std::string& count) {
    auto end = pause.until;
    if (pause.resumed) end = std::min(end.value_or(*pause.resumed), *pause.resumed);
    return {Decision::Kind::skip, due, Reason::cron,
            fmt::format("paused from {} to {} by {}, {} passed over: {}", to_rfc3339(pause.since),
                        end ? to_rfc3339(*end) : "now", pause.by, count == "1" ? "1 time" : count + " times", pause.reason)};
}

Decision not_configured(Instant due, std::size_t count) {
    return {Decision::Kind::skip, due, Reason::cron,
            fmt::format("the job, or its schedule, was not configured: {}{} passed over", count < limits::missed_rows ? "" : "at least ",
                        counted(count, "time"))};
}

} // namespace loom
