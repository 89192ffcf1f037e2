#include "core/schedule/decide.hpp"

#include "core/base/limits.hpp"
#include "core/base/stable_hash.hpp"
#include "core/schedule/verdicts.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// The instants in (after, now], the newest `most` of them at least. Looks back from `now` in widening steps: a year
/// of seconds is not walked for the last hundred.
std::vector<Instant> newest_instants(const Schedule& schedule, Instant after, Instant now, std::size_t most) {
    std::vector<Instant> list;
    for (Milliseconds back = std::chrono::minutes(1);; back *= 2) {
        const auto from = now - after > back ? now - back : after;
        list.clear();
        for (auto due = next(schedule, from); due && *due <= now; due = next(schedule, *due)) list.push_back(*due);
        if (list.size() >= most || from == after) return list;
    }
}

/// How many lie in (after, before), in words.
std::string count_between(const Schedule& schedule, Instant after, Instant before) {
    std::size_t count = 0;
    for (auto due = next(schedule, after); due && *due < before; due = next(schedule, *due))
        if (++count > limits::missed_counted) return fmt::format("more than {}", limits::missed_counted);
    return fmt::format("{}", count);
}

/// Of the instants that one blackout holds the newest starts when it ends, or the one that is due right then. This is that one.
Instant newest_held(const Job& job, Instant due) {
    const auto& blackout = job.policy->blackout;
    const auto start = due + splay_of(job, due);
    const auto opens = blackout.hold ? first_outside(blackout.calendars, start).value_or(start) : start;
    if (opens == start) return due;
    const auto later = newest_instants(*job.schedule, due, opens, 1);
    return later.empty() ? due : later.back();
}

} // namespace

Decision decide(const Job& job, Instant due, Instant now, const Facts& facts) {
    Instance instance{job, facts, due, now, {}};
    if (job.schedule && (now - instance.start > on_time || job.policy->blackout.hold)) instance.newer = next(*job.schedule, due);
    return judge(instance);
}

std::vector<Decision> catch_up(const Job& job, Instant now, const Facts& known) {
    if (!job.schedule) return {};
    const auto& schedule = *job.schedule;
    auto facts = known;
    const auto after = facts.last_due ? std::max(*facts.last_due, facts.since) : facts.since;
    // What a pause has kept from starting waits for its end; what came before it does not.
    const auto* pause = paused(facts, now);
    const auto last = pause ? std::min(now, pause->since - Milliseconds(1)) : now;
    if (after >= last) return {};
    auto due = newest_instants(schedule, after, last, limits::missed_rows + 2);
    if (!due.empty() && due.back() + splay_of(job, due.back()) > now) due.pop_back(); // it is still to come
    const bool more = due.size() > limits::missed_rows;
    if (more) due.erase(due.begin(), due.end() - static_cast<std::ptrdiff_t>(limits::missed_rows));

    std::vector<Decision> list;
    auto told_from = due.empty() ? last : due.front(); // what lies before it has no row
    for (std::size_t i = 0; i < due.size() && !is_finished(job, facts); ++i) {
        if (const auto* over = pause_that_holds(facts, due[i])) {
            while (i + 1 < due.size() && over->holds(due[i + 1])) ++i;
            const auto from = std::max(after, over->since - Milliseconds(1));
            if (list.empty()) told_from = std::max(after, over->since);
            list.push_back(passed_over(*over, due[i], count_between(schedule, from, due[i] + Milliseconds(1))));
            continue;
        }
        const auto newer = i + 1 < due.size() ? due[i + 1] : next(schedule, due[i]);
        list.push_back(judge({job, facts, due[i], now, newer, due.size() - 1 - i}));
        if (list.back().kind != Decision::Kind::fire) continue;
        ++facts.started;
        facts.in_flight = true;
    }
    if (more && !list.empty() && told_from > after)
        list.front().why += fmt::format("; {} {} before it, since {}", list.front().kind == Decision::Kind::missed ? "so were" : "not told:",
                                        count_between(schedule, after, told_from), to_rfc3339(after));
    return list;
}

bool is_finished(const Job& job, const Facts& facts) {
    return job.schedule && job.schedule->count > 0 && facts.started >= job.schedule->count;
}

const Pause* paused(const Facts& facts, Instant now) {
    if (!facts.pauses) return nullptr;
    const auto holds = std::ranges::find_if(*facts.pauses, [&](const auto& pause) { return pause.in_force(now); });
    return holds == facts.pauses->end() ? nullptr : &*holds;
}

const Pause* pause_that_holds(const Facts& facts, Instant due) {
    if (!facts.pauses) return nullptr;
    const auto holds = std::ranges::find_if(*facts.pauses, [&](const auto& pause) { return pause.holds(due); });
    return holds == facts.pauses->end() ? nullptr : &*holds;
}

std::optional<Instant> upcoming(const Job& job, Instant after, const Facts& facts) {
    if (!job.schedule || is_finished(job, facts)) return std::nullopt;
    const auto last = after + std::chrono::years(limits::cron_years);
    auto at = next(*job.schedule, after);
    while (at && *at <= last) {
        const auto splay = splay_of(job, *at);
        if (at == facts.last_due) { // the clock was set back since
            at = next(*job.schedule, *at);
        } else if (const auto* pause = paused(facts, *at)) {
            if (!pause->until) return std::nullopt;
            at = next(*job.schedule, *pause->until - Milliseconds(1));
        } else if (!job.policy->blackout.hold && calendar_at(job.policy->blackout.calendars, *at + splay)) {
            const auto outside = first_outside(job.policy->blackout.calendars, *at + splay);
            at = outside ? next(*job.schedule, std::max(*at, *outside - splay - Milliseconds(1))) : std::nullopt;
        } else {
            const auto newest = newest_held(job, *at);
            if (newest == *at) return at;
            at = newest;
        }
    }
    return std::nullopt;
}

std::optional<Decision> held(const Job& job, Instant now, const Facts& facts) {
    const auto& blackout = job.policy->blackout;
    if (!job.schedule || !blackout.hold || paused(facts, now) || !calendar_at(blackout.calendars, now)) return std::nullopt;
    const auto decisions = catch_up(job, now, facts);
    if (decisions.empty() || decisions.back().kind != Decision::Kind::hold) return std::nullopt;
    return newest_held(job, decisions.back().due) == decisions.back().due ? std::optional(decisions.back()) : std::nullopt;
}

Decision foresee(const Job& job, Instant due) {
    auto decision = decide(job, due, due + splay_of(job, due), {});
    if (decision.kind != Decision::Kind::hold) return decision;
    auto later = decide(job, due, decision.until, {});
    return later.kind == Decision::Kind::fire ? decision : later;
}

bool count_reaches(const Job& job, Instant due, Instant now, const Facts& known) {
    auto facts = known;
    if (!job.schedule || job.schedule->count == 0) return true;
    std::size_t seen = 0;
    for (auto at = upcoming(job, now, facts); at && *at < due && seen < limits::instants_foreseen; ++seen) {
        const auto kind = foresee(job, *at).kind;
        if (kind == Decision::Kind::fire || kind == Decision::Kind::hold) ++facts.started;
        at = upcoming(job, *at, facts);
    }
    return !is_finished(job, facts);
}

Milliseconds splay_of(const Job& job, Instant due) {
    if (!job.schedule || job.schedule->splay.count() <= 0) return Milliseconds(0);
    auto bound = job.schedule->splay;
    if (const auto newer = next(*job.schedule, due)) bound = std::min(bound, *newer - due);
    return Milliseconds(static_cast<std::int64_t>(stable_hash(job.name) % static_cast<std::uint64_t>(bound.count())));
}

std::string_view to_string(CatchUp policy) {
    switch (policy) {
    case CatchUp::skip: return "skip";
    case CatchUp::last: return "last";
    case CatchUp::all: return "all";
    }
    return "";
}

} // namespace loom
