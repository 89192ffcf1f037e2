#include "core/time/time_zone.hpp"

#include "core/base/near.hpp"
#include "core/time/zone_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// The footer's rule is laid out up to here: 7 KB a zone, and no schedule written today looks further.
constexpr int last_year_tabled = 2200;

fs::path zone_folder() {
    const char* folder = std::getenv("TZDIR");
    return folder && *folder ? folder : "/usr/share/zoneinfo";
}

/// A name that stays inside the zone folder. posix/ and right/ hold copies, the latter with leap seconds.
bool well_formed_zone(std::string_view name) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    return !name.empty() && name.size() < 100 && name.find_first_not_of(letters) == name.npos && name.front() != '/' &&
           !name.starts_with("posix/") && !name.starts_with("right/");
}

Result<ZonePtr> load_zone(const std::string& name) {
    const Error unknown{Errc::config, fmt::format("unknown time zone \"{}\"; expected a name such as Europe/Berlin or UTC", name)};
    const auto path = zone_folder() / name;
    std::error_code ec;
    std::ifstream file;
    if (well_formed_zone(name) && fs::is_regular_file(path, ec)) file.open(path, std::ios::binary);
    if (!file.is_open()) return Error{unknown.code, unknown.message + did_you_mean(name, zone_names())};
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    auto transitions = read_zone_file(bytes, last_year_tabled);
    if (!transitions)
        return Error{Errc::config, fmt::format("time zone \"{}\" ({}): {}", name, path.string(), transitions.error().message)};
    return ZonePtr(std::make_shared<Zone>(name, std::move(*transitions)));
}

struct LoadedZones {
    std::mutex mutex;
    std::map<std::string, ZonePtr, std::less<>> by_name;
};

LoadedZones& loaded_zones() {
    static LoadedZones zones;
    return zones;
}

/// No zone was ever farther from UTC: an instant lies that near to its local time read as UTC.
constexpr std::chrono::hours offset_most{26};

} // namespace

Zone::Zone(std::string name, std::vector<Transition> transitions)
    : name_(std::move(name)), transitions_(std::move(transitions)) {
    if (transitions_.empty()) transitions_.push_back({std::chrono::sys_seconds::min(), std::chrono::seconds(0)});
    transitions_.shrink_to_fit();
}

std::chrono::seconds Zone::offset_at(std::chrono::sys_seconds at) const {
    return transitions_[index_at(at)].offset;
}

std::size_t Zone::index_at(std::chrono::sys_seconds at) const {
    const auto after = std::upper_bound(transitions_.begin() + 1, transitions_.end(), at,
                                        [](auto when, const Transition& t) { return when < t.at; });
    return static_cast<std::size_t>(after - transitions_.begin()) - 1;
}

std::vector<std::string> zone_names() {
    std::vector<std::string> names;
    const auto folder = zone_folder();
    std::error_code ec;
    for (fs::recursive_directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
        auto name = it->path().lexically_relative(folder).string();
        std::error_code ignored;
        if (well_formed_zone(name) && it->is_regular_file(ignored)) names.push_back(std::move(name));
    }
    std::ranges::sort(names);
    return names;
}

ZonePtr utc_zone() {
    static const auto zone = std::make_shared<const Zone>("UTC", std::vector<Zone::Transition>{});
    return zone;
}

Result<ZonePtr> find_zone(std::string_view name) {
    if (name == "UTC" || name == "Etc/UTC") return utc_zone(); // one zone, told by one name
    auto& zones = loaded_zones();
    const std::lock_guard lock(zones.mutex);
    if (const auto it = zones.by_name.find(name); it != zones.by_name.end()) return it->second;
    auto zone = load_zone(std::string(name));
    if (zone) zones.by_name.emplace(name, *zone);
    return zone;
}

void forget_zones() {
    auto& zones = loaded_zones();
    const std::lock_guard lock(zones.mutex);
    zones.by_name.clear();
}

ZonePtr local_zone() {
    std::string name;
    if (const char* tz = std::getenv("TZ")) {
        name = tz[0] == ':' ? tz + 1 : tz;
    } else {
        std::error_code ec;
        const auto target = fs::read_symlink("/etc/localtime", ec).string();
        constexpr std::string_view folder = "zoneinfo/";
        if (const auto at = target.find(folder); at != target.npos) name = target.substr(at + folder.size());
    }
    const auto zone = find_zone(name);
    return zone ? *zone : utc_zone();
}

Shown shown_at(LocalSeconds local, const Zone& zone) {
    const auto& list = zone.transitions();
    const std::chrono::sys_seconds as_utc(local.time_since_epoch());
    std::optional<Shown> shown;
    for (auto i = zone.index_at(as_utc - offset_most); i < list.size(); ++i) {
        const bool begun = i == 0 || as_utc - list[i].offset >= list[i].at;
        const bool over = i + 1 < list.size() && as_utc - list[i].offset >= list[i + 1].at;
        if (begun && !over) shown = {shown ? shown->first : as_utc - list[i].offset, as_utc - list[i].offset};
        if (!begun) return shown ? *shown : Shown{list[i].at, list[i].at};
    }
    return *shown; // the last stretch never ends
}

Instant instant_of(const WrittenTime& written, const Zone& zone) {
    if (written.offset) return Instant(written.wall.time_since_epoch()) - *written.offset;
    const auto whole = std::chrono::floor<std::chrono::seconds>(written.wall);
    return shown_at(whole, zone).first + (written.wall - whole);
}

std::string wall_time(Instant at, const Zone& zone) {
    const auto offset = zone.offset_at(std::chrono::floor<std::chrono::seconds>(at));
    const auto minutes = std::chrono::abs(std::chrono::duration_cast<std::chrono::minutes>(offset)).count();
    auto text = to_rfc3339(std::chrono::floor<std::chrono::seconds>(at) + offset);
    text.pop_back(); // the Z, which this is not
    return text + fmt::format("{}{:02}:{:02}", offset.count() < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

} // namespace loom
