#pragma once
#include "core/time/cron.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// What a change of the clocks does to a schedule: local times that it leaves out, or brings twice, at which the
/// schedule is due.
struct ClockChange {
    enum class Kind : std::uint8_t { gap, fold };

    Kind kind = Kind::gap;
    Instant begin{};              ///< when the clocks come to the first local time that is left out, or doubled
    LocalSeconds first{}, last{}; ///< the schedule's own local times there
    bool elapsed = false;         ///< it is due whenever clocks show such a time: nothing is made up for, nothing left out
    std::size_t count = 0;        ///< how many there are, from `first` to `last`
    std::vector<Instant> runs;    ///< when the first of them is due instead; empty: not at all; two: both times
};

/// When the zone's transition with that number takes effect on local times: a gap at the transition, a fold when its
/// local times are shown first; nothing where the clocks do not change.
std::optional<Instant> clocks_change_at(const Zone& zone, std::size_t transition);

/// What that transition does to the schedule; nothing where the schedule is not due in between, or is @every.
/// Says what `next` does. Pure.
std::optional<ClockChange> clock_change(const Schedule& schedule, std::size_t transition);

/// `02:30 does not exist on 2027-03-28 in Europe/Berlin: runs at 03:00`, or without the day and the zone where these are
/// told beside it. Pure.
enum class Told : std::uint8_t { whole, time_alone };
std::string to_words(const ClockChange& change, const Zone& zone, Told told = Told::whole);

} // namespace loom
