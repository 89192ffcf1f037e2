#include "core/schedule/decide.hpp"

#include "core/base/limits.hpp"
#include "core/base/stable_hash.hpp"
#include "core/schedule/overlap.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Up to here a start counts as on time: a busy machine, a reload.
constexpr Milliseconds late = std::chrono::minutes(1);

/// How far the summing up counts before it says "more than".
constexpr std::size_t counted_most = 10'000;

Decision missed(Instant due, std::string why) { return {Decision::Kind::missed, due, Reason::catch_up, std::move(why)}; }

Decision start(const Job& job, Instant due, Reason reason, const Facts& facts) {
    if (facts.in_flight && overlap_of_runs(job) == Overlap::skip)
        return {Decision::Kind::skip, due, reason, "the job's run before has not ended (overlap: skip)"};
    return {Decision::Kind::fire, due, reason, {}};
}

/// What becomes of one instant that was not started on time. `newer` is the next nominal one.
Decision decide_late(const Job& job, Instant due, std::optional<Instant> newer, Instant now, const Facts& facts) {
    if (job.catch_up == CatchUp::skip) return missed(due, "not started on time, and catch-up is off");
    if (newer && *newer <= now)
        return missed(due, fmt::format("not started on time, and a later one was due at {}", to_rfc3339(*newer)));
    if (now - due > job.catch_up_window + splay_of(job, due))
        return missed(due, fmt::format("not started on time, and {} late is beyond the catch-up window of {}",
                                       short_duration(now - due), short_duration(job.catch_up_window)));
    return start(job, due, Reason::catch_up, facts);
}

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
        if (++count > counted_most) return fmt::format("more than {}", counted_most);
    return fmt::format("{}", count);
}

} // namespace

Decision decide(const Job& job, Instant due, Instant now, const Facts& facts) {
    if (!job.schedule || due < facts.since || (facts.last_due && due <= *facts.last_due)) return {};
    if (now - due <= late + splay_of(job, due)) return start(job, due, Reason::cron, facts);
    return decide_late(job, due, next(*job.schedule, due), now, facts);
}

std::vector<Decision> catch_up(const Job& job, Instant now, const Facts& facts) {
    if (!job.schedule) return {};
    const auto& schedule = *job.schedule;
    const auto after = facts.last_due ? std::max(*facts.last_due, facts.since) : facts.since;
    if (after >= now) return {};
    auto due = newest_instants(schedule, after, now, limits::missed_rows + 1);
    const bool more = due.size() > limits::missed_rows;
    if (more) due.erase(due.begin(), due.end() - static_cast<std::ptrdiff_t>(limits::missed_rows));

    std::vector<Decision> list;
    for (std::size_t i = 0; i < due.size(); ++i) {
        const auto newer = i + 1 < due.size() ? due[i + 1] : next(schedule, due[i]);
        list.push_back(decide_late(job, due[i], newer, now, facts));
    }
    if (more) {
        const auto count = count_between(schedule, after, due.front());
        list.front().why += fmt::format("; so were {} before it, since {}", count, to_rfc3339(after));
    }
    return list;
}

Milliseconds splay_of(const Job& job, Instant due) {
    if (!job.schedule || job.schedule->splay.count() <= 0) return Milliseconds(0);
    auto bound = job.schedule->splay;
    if (const auto newer = next(*job.schedule, due)) bound = std::min(bound, *newer - due);
    return Milliseconds(static_cast<std::int64_t>(stable_hash(job.name) % static_cast<std::uint64_t>(bound.count())));
}

} // namespace loom
