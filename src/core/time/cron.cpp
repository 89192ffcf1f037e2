#include "core/time/cron.hpp"

#include "core/base/duration.hpp"
#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "core/base/stable_hash.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// What one field may hold.
struct FieldRule {
    const char* name;
    unsigned least, most;
    unsigned hash_most;              ///< H stays at or below: every month has a 28th
    std::vector<std::string> names;  ///< of the values from `least` on
    const char* also;                ///< further forms, for people
};

const FieldRule second_rule{"seconds", 0, 59, 59, {}, ""};
const FieldRule minute_rule{"minute", 0, 59, 59, {}, ""};
const FieldRule hour_rule{"hour", 0, 23, 23, {}, ""};
const FieldRule day_rule{"day of month", 1, 31, 28, {}, ", L, L-n, nW"};
const FieldRule month_rule{"month", 1, 12, 12,
    {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}, ""};
const FieldRule weekday_rule{"weekday", 0, 7, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, ", d#n, dL"};

struct Macro {
    const char* name;
    const char* text;
};
constexpr std::array<Macro, 7> macros{{{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lower(std::string_view text) {
    std::string copy(text);
    for (auto& c : copy) c = lower(c);
    return copy;
}

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Reads one field. The first mistake is kept in `error`, and what is read after it does not matter.
class FieldReader {
public:
    FieldReader(const FieldRule& rule, std::string_view text, std::string_view job) : rule_(rule), text_(text), job_(job) {}

    /// The plain values; the special forms (L, W, #) go into `cron`.
    std::uint64_t read(Cron& cron) {
        for (std::size_t begin = 0; begin <= text_.size() && !error;) {
            const auto end = std::min(text_.find(',', begin), text_.size());
            item_ = rest_ = text_.substr(begin, end - begin);
            read_item(cron);
            if (!error && !rest_.empty()) fail(fmt::format("\"{}\" is not understood", rest_));
            begin = end + 1;
        }
        return bits_;
    }

    std::optional<Error> error;

private:
    void fail(std::string_view what) {
        if (error) return;
        const auto names = rule_.names.empty() ? std::string{} : fmt::format(" or {}-{}", rule_.names.front(), rule_.names.back());
        error = Error{Errc::config, fmt::format("{} field \"{}\": {}; allowed are *, {}-{}{}, lists, ranges, steps, H{}", rule_.name,
                                                text_, what, rule_.least, rule_.most, names, rule_.also)};
    }

    bool take(char c) {
        if (rest_.empty() || lower(rest_.front()) != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    unsigned digits() {
        unsigned value = 0;
        for (; !rest_.empty() && digit(rest_.front()); rest_.remove_prefix(1))
            value = std::min(value * 10 + static_cast<unsigned>(rest_.front() - '0'), 99'999u);
        return value;
    }

    unsigned number(unsigned least, unsigned most) {
        if (rest_.empty() || !digit(rest_.front())) return fail(rest_.empty() ? "a number is missing" : fmt::format("\"{}\" is not a number", rest_)), least;
        const auto value = digits();
        if (value < least || value > most) fail(fmt::format("{} is not in {}-{}", value, least, most));
        return value;
    }

    unsigned value() {
        if (rest_.empty()) return fail("a value is missing"), rule_.least;
        if (digit(rest_.front())) return number(rule_.least, rule_.most);
        const auto end = std::find_if(rest_.begin(), rest_.end(), [](char c) { return lower(c) < 'a' || lower(c) > 'z'; });
        auto word = lower(std::string_view(rest_.begin(), end));
        // `friL` is a name and the L of its own.
        if (word.size() == 4 && word.back() == 'l' && &rule_ == &weekday_rule) word.pop_back();
        const auto it = std::ranges::find(rule_.names, word);
        if (it == rule_.names.end()) {
            fail(word.empty() ? fmt::format("\"{}\" is not understood", rest_)
                              : fmt::format("\"{}\" is not a value{}", word, did_you_mean(word, rule_.names)));
            return rule_.least;
        }
        rest_.remove_prefix(word.size());
        return rule_.least + static_cast<unsigned>(it - rule_.names.begin());
    }

    unsigned step() { return number(1, 99'999); }

    void add(unsigned from, unsigned to, unsigned by = 1) {
        for (unsigned v = from; v <= to && !error; v += by) bits_ |= 1ull << v;
    }

    void read_item(Cron& cron) {
        if (take('*')) return add(rule_.least, rule_.most, take('/') ? step() : 1);
        if (take('h')) return read_hash();
        if (&rule_ == &day_rule && take('l')) {
            const unsigned back = take('-') ? number(0, 30) : 0;
            cron.last_days |= 1u << (back & 31);
            return;
        }
        const unsigned first = value();
        if (error) return;
        if (take('-')) return read_range(first);
        if (!rest_.empty() && rest_.front() == '/') return fail("a step needs * or a range before it");
        if (&rule_ == &day_rule && take('w')) {
            cron.near_weekdays |= 1u << first;
        } else if (&rule_ == &weekday_rule && take('l')) {
            cron.last_weekdays = static_cast<std::uint8_t>(cron.last_weekdays | 1u << first % 7);
        } else if (&rule_ == &weekday_rule && take('#')) {
            auto& nth = cron.nth_weekdays[number(1, 5) % 6];
            nth = static_cast<std::uint8_t>(nth | 1u << first % 7);
        } else {
            add(first, first);
        }
    }

    void read_range(unsigned first) {
        const unsigned last = value();
        if (!error && last < first)
            fail(fmt::format("\"{}\" runs backwards{}", item_, last == 0 ? "; Sunday at a range's end is 7" : ""));
        add(first, last, take('/') ? step() : 1);
    }

    /// H is one value of the range, H/n every n-th from a value below the range's beginning plus n.
    void read_hash() {
        unsigned least = rule_.least, most = rule_.hash_most;
        if (take('(')) {
            least = value();
            if (!take('-')) fail("expected H(a-b)");
            most = value();
            if (!take(')')) fail("expected H(a-b)");
            if (most < least) fail(fmt::format("\"{}\" runs backwards", item_));
        }
        if (error) return;
        const auto hash = stable_hash(fmt::format("{}\n{}", rule_.name, job_));
        const unsigned size = most - least + 1;
        if (!take('/')) return add(least + static_cast<unsigned>(hash % size), least + static_cast<unsigned>(hash % size));
        const unsigned by = step();
        if (!error) add(least + static_cast<unsigned>(hash % std::min(by, size)), most, by);
    }

    const FieldRule& rule_;
    std::string_view text_, job_, item_, rest_;
    std::uint64_t bits_ = 0;
};

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> list;
    for (std::size_t at = 0; (at = text.find_first_not_of(" \t\r\n", at)) != text.npos;) {
        const auto end = std::min(text.find_first_of(" \t\r\n", at), text.size());
        list.push_back(text.substr(at, end - at));
        at = end;
    }
    return list;
}

Result<Cron> parse_every(const std::vector<std::string_view>& parts) {
    if (parts.size() != 2) return Error{Errc::config, "@every needs one duration, e.g. @every 90s"};
    const auto duration = parse_duration(parts[1]);
    if (!duration) return Error{Errc::config, "@every: " + duration.error().message};
    if (duration->count() < 1000 || duration->count() % 1000 != 0)
        return Error{Errc::config, fmt::format("@every {}: expected whole seconds, at least 1s", parts[1])};
    Cron cron;
    cron.kind = Cron::Kind::every;
    cron.every = std::chrono::duration_cast<std::chrono::seconds>(*duration);
    cron.follows_elapsed_time = true;
    return cron;
}

Result<Cron> parse_at(std::string_view text) {
    const auto written = parse_written_time(text);
    if (!written || written->whole_day)
        return Error{Errc::config, fmt::format("@at: expected one time, e.g. @at 2026-12-01T10:00:00Z, with +01:00 in place of Z, or "
                                               "without either in the schedule's time zone, not \"{}\"", text)};
    Cron cron;
    cron.kind = Cron::Kind::at;
    cron.at = written->wall.time_since_epoch() - written->offset.value_or(std::chrono::minutes(0));
    cron.at_is_local = !written->offset;
    return cron;
}

Result<Cron> parse_fields(const std::vector<std::string_view>& parts, std::string_view job) {
    if (parts.size() != 5 && parts.size() != 6)
        return Error{Errc::config, fmt::format("expected 5 fields (minute, hour, day of month, month, weekday), or 6 with seconds "
                                               "before them, or a macro such as @daily; there {} {}",
                                               parts.size() == 1 ? "is" : "are", parts.size())};
    Cron cron;
    const auto* part = parts.data();
    std::optional<Error> error;
    const auto read = [&](const FieldRule& rule) {
        FieldReader reader(rule, *part++, job);
        const auto bits = reader.read(cron);
        if (!error) error = reader.error;
        return bits;
    };
    if (parts.size() == 6) cron.seconds = read(second_rule);
    const bool any_minute = part->front() == '*';
    cron.minutes = read(minute_rule);
    const bool any_hour = part->front() == '*';
    cron.hours = static_cast<std::uint32_t>(read(hour_rule));
    const bool any_day = part->front() == '*';
    cron.days = static_cast<std::uint32_t>(read(day_rule));
    cron.months = static_cast<std::uint16_t>(read(month_rule));
    const bool any_weekday = part->front() == '*';
    const auto weekdays = read(weekday_rule);
    if (error) return *error;
    cron.weekdays = static_cast<std::uint8_t>((weekdays | weekdays >> 7) & 0x7f);
    cron.days_and_weekdays = any_day || any_weekday;
    cron.both_days_restricted = !cron.days_and_weekdays;
    cron.follows_elapsed_time = any_minute || any_hour;
    return cron;
}

Result<Cron> parse(std::string_view text, std::string_view job) {
    const auto parts = words(text);
    if (parts.empty()) return Error{Errc::config, "it is empty; expected e.g. \"*/5 * * * *\" or @daily"};
    if (parts[0].front() != '@') return parse_fields(parts, job);
    const auto name = lower(parts[0]);
    if (name == "@every") return parse_every(parts);
    if (name == "@at") return parse_at(parts.size() == 1 ? "" : std::string_view(parts[1].data(), parts.back().end()));
    if (parts.size() == 1 && name == "@reboot") {
        Cron cron;
        cron.kind = Cron::Kind::reboot;
        return cron;
    }
    std::vector<std::string> known{"@reboot", "@every", "@at"};
    for (const auto& macro : macros) {
        if (name == macro.name && parts.size() == 1) return parse_fields(words(macro.text), job);
        known.emplace_back(macro.name);
    }
    if (std::ranges::find(known, name) != known.end()) return Error{Errc::config, fmt::format("{} stands alone", name)};
    return Error{Errc::config, fmt::format("\"{}\" is not a macro{}; there are {}", parts[0], did_you_mean(name, known),
                                           fmt::join(known, " "))};
}

} // namespace

Result<Cron> parse_cron(std::string_view text, std::string_view job) {
    auto cron = parse(text, job);
    if (!cron) return Error{Errc::config, fmt::format("schedule \"{}\": {}", text.substr(0, 200), cron.error().message)};
    // The calendar holds 14 kinds of year and none stays away longer than 40 years, so any beginning will do.
    Schedule schedule;
    schedule.cron = *cron;
    if (cron->kind == Cron::Kind::fields && !next(schedule, std::chrono::sys_days(std::chrono::year(2000) / 1 / 1)))
        return Error{Errc::config, fmt::format("schedule \"{}\": no such date comes within {} years", text.substr(0, 200),
                                               limits::cron_years)};
    return cron;
}

} // namespace loom
