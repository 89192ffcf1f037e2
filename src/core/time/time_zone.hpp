#pragma once
#include "core/time/instant.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

using LocalSeconds = std::chrono::local_seconds;

/// A time zone as a flat table of its transitions, immutable once loaded: lookups are binary searches, any thread.
/// Transitions are read from the system's zone files ($TZDIR, else /usr/share/zoneinfo); past the last tabulated one the
/// file's footer rule holds (RFC 8536, 3.3), laid out up to the year 2200. They are read here and not through Howard
/// Hinnant's tz library because that (3.0.1) ignores the footer: the file would have to be opened all the same.
class Zone {
public:
    struct Transition {
        std::chrono::sys_seconds at;
        std::chrono::seconds offset; ///< of local time from UTC, from `at` on
    };

    Zone(std::string name, std::vector<Transition> transitions);

    const std::string& name() const { return name_; }
    const std::vector<Transition>& transitions() const { return transitions_; }
    std::chrono::seconds offset_at(std::chrono::sys_seconds at) const;
    /// Which of the transitions holds at that time.
    std::size_t index_at(std::chrono::sys_seconds at) const;

private:
    std::string name_;
    std::vector<Transition> transitions_; ///< sorted; the first holds since ever
};

using ZonePtr = std::shared_ptr<const Zone>;

/// `2026-01-31T08:05:00+01:00`: RFC 3339 as clocks on the wall show it there. Pure.
std::string wall_time(Instant at, const Zone& zone);

/// The instants at which the clocks there show a local time: one; in a fold two; in a gap the instant right after it.
struct Shown {
    std::chrono::sys_seconds first, last;
};
Shown shown_at(LocalSeconds local, const Zone& zone);
/// The instant that is meant; of two in a fold the first. Pure, as the above.
Instant instant_of(const WrittenTime& written, const Zone& zone);

/// UTC, without any file.
ZonePtr utc_zone();
/// What `find_zone` knows, sorted. Blocks.
std::vector<std::string> zone_names();
/// The named zone (`Europe/Berlin`), loaded once and shared; an Errc::config error with a near name when unknown.
/// Reads files: not for an io thread.
Result<ZonePtr> find_zone(std::string_view name);
/// Whoever asks from now on gets zones as their files are then: a reload sees an update of the zone database.
void forget_zones();
/// The host's own zone ($TZ, else /etc/localtime's target), UTC when that cannot be told.
ZonePtr local_zone();

} // namespace loom
