#include "app/cli/output/times.hpp"

#include "core/base/duration.hpp"

#include <algorithm>
#include <array>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

struct Unit {
    std::chrono::seconds length, until; ///< used while the distance is below `until`
    char letter;
};
constexpr std::array units{
    Unit{std::chrono::seconds(1), std::chrono::minutes(1), 's'},
    Unit{std::chrono::minutes(1), std::chrono::hours(1), 'm'},
    Unit{std::chrono::hours(1), std::chrono::hours(48), 'h'},
    Unit{std::chrono::hours(24), std::chrono::seconds::max(), 'd'},
};

} // namespace

std::string relative_time(Instant at, Instant now) {
    const auto distance = std::chrono::floor<std::chrono::seconds>(at < now ? now - at : at - now);
    if (distance.count() == 0) return "now";
    const auto* unit = std::ranges::find_if(units, [distance](const Unit& one) { return distance < one.until; });
    const auto text = std::to_string(distance / unit->length) + unit->letter;
    return at < now ? text + " ago" : "in " + text;
}

std::string relative_time(const std::optional<std::string>& at, Instant now) {
    if (!at || at->empty()) return {};
    const auto instant = parse_instant(*at);
    return instant ? relative_time(*instant, now) : *at;
}

std::string time_between(const std::string& from, const std::optional<std::string>& to) {
    if (!to) return {};
    const auto begin = parse_instant(from);
    const auto end = parse_instant(*to);
    if (!begin || !end || *end < *begin) return {};
    return short_duration(*end - *begin);
}

std::string weekday_name(std::chrono::weekday day) {
    constexpr const char* names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    return names[day.c_encoding()];
}

std::string friendly_wall_time(const std::string& text) {
    constexpr std::size_t date = 10, time = 19; // where `2026-01-31` and `2026-01-31T08:05:00` end
    const auto day = parse_instant(text.substr(0, date));
    if (!day || text.size() <= time || text[date] != 'T') return text;
    const std::chrono::weekday weekday(std::chrono::floor<std::chrono::days>(*day));
    return fmt::format("{} {} {} {}", weekday_name(weekday), text.substr(0, date),
                       text.substr(date + 1, time - date - 1), text.substr(time));
}

} // namespace loom
