#include "core/time/clock_change.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using namespace std::chrono;

/// The local times of a gap or a fold, and how the clocks stand before and after it.
struct Doubt {
    LocalSeconds from, to;
    sys_seconds at;
    seconds before, after;
};

std::optional<Doubt> doubt_at(const Zone& zone, std::size_t transition) {
    const auto& list = zone.transitions();
    if (transition == 0 || transition >= list.size() || list[transition].offset == list[transition - 1].offset)
        return std::nullopt;
    const auto at = list[transition].at;
    const auto before = list[transition - 1].offset, after = list[transition].offset;
    const LocalSeconds old_time(at.time_since_epoch() + before), new_time(at.time_since_epoch() + after);
    return Doubt{std::min(old_time, new_time), std::max(old_time, new_time), at, before, after};
}

/// `02:30`, with seconds where there are some.
std::string clock_time(LocalSeconds at) {
    const hh_mm_ss time(at - floor<days>(at));
    if (time.seconds().count() == 0) return fmt::format("{:02}:{:02}", time.hours().count(), time.minutes().count());
    return fmt::format("{:02}:{:02}:{:02}", time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string date_of(LocalSeconds at) {
    return to_rfc3339(Instant(at.time_since_epoch())).substr(0, 10);
}

LocalSeconds local_at(Instant at, const Zone& zone) {
    const auto whole = floor<seconds>(at);
    return LocalSeconds(whole.time_since_epoch() + zone.offset_at(whole));
}

} // namespace

std::optional<Instant> clocks_change_at(const Zone& zone, std::size_t transition) {
    const auto doubt = doubt_at(zone, transition);
    if (!doubt) return std::nullopt;
    return Instant(doubt->after < doubt->before ? doubt->at - (doubt->before - doubt->after) : doubt->at);
}

std::optional<ClockChange> clock_change(const Schedule& schedule, std::size_t transition) {
    if (schedule.cron.kind != Cron::Kind::fields) return std::nullopt;
    const auto doubt = doubt_at(*schedule.zone, transition);
    if (!doubt) return std::nullopt;

    // In a zone without changes each local time comes once: there the fields alone say what is due.
    auto on_paper = schedule;
    on_paper.zone = utc_zone();
    ClockChange change;
    const Instant from(doubt->from.time_since_epoch()), to(doubt->to.time_since_epoch());
    for (auto due = next(on_paper, from - milliseconds(1)); due && *due < to; due = next(on_paper, *due)) {
        const LocalSeconds local(floor<seconds>(*due).time_since_epoch());
        if (change.count++ == 0) change.first = local;
        change.last = local;
    }
    if (change.count == 0) return std::nullopt;

    change.begin = *clocks_change_at(*schedule.zone, transition);
    change.elapsed = schedule.cron.follows_elapsed_time;
    if (doubt->after > doubt->before) {
        if (schedule.gap == Gap::run_after && !change.elapsed) change.runs.emplace_back(doubt->at);
        return change;
    }
    change.kind = ClockChange::Kind::fold;
    const Instant once(change.first.time_since_epoch() - doubt->before), again(change.first.time_since_epoch() - doubt->after);
    if (schedule.fold != Fold::last || change.elapsed) change.runs.push_back(once);
    if (schedule.fold != Fold::first || change.elapsed) change.runs.push_back(again);
    return change;
}

std::string to_words(const ClockChange& change, const Zone& zone, Told told) {
    const bool one = change.count == 1;
    auto text = one               ? clock_time(change.first)
                : change.count == 2 ? fmt::format("{} and {}", clock_time(change.first), clock_time(change.last))
                                    : fmt::format("{} to {}", clock_time(change.first), clock_time(change.last));
    const auto* why = change.elapsed ? ", as the job follows elapsed time" : "";
    const auto when = told == Told::whole ? fmt::format(" on {} in {}", date_of(change.first), zone.name()) : std::string();
    if (change.kind == ClockChange::Kind::gap) {
        text += fmt::format(" {} not exist{}: ", one ? "does" : "do", when);
        if (change.elapsed) return text + "left out" + why;
        if (change.runs.empty()) return text + (one ? "does not run" : "do not run");
        return text + fmt::format("{} at {}", one ? "runs" : "run once,", clock_time(local_at(change.runs[0], zone)));
    }
    text += fmt::format(" {} twice{}: {} ", one ? "comes" : "come", when, one ? "runs" : "run");
    if (change.runs.size() == 2) return text + "both times" + why;
    const bool first = change.runs[0] == change.begin + (change.first - local_at(change.begin, zone));
    return text + (first ? "the first time only" : "the second time only");
}

} // namespace loom
