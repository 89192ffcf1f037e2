#include "core/time/explain.hpp"

#include "core/base/duration.hpp"

#include <bit>
#include <optional>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Up to so many times of day are told one by one.
constexpr int times_told = 6;

constexpr const char* month_names[] = {"", "January", "February", "March", "April", "May", "June", "July",
                                       "August", "September", "October", "November", "December"};
constexpr const char* weekday_names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

constexpr std::uint64_t bits_between(unsigned first, unsigned last) { return (~0ull >> (63 - last)) & (~0ull << first); }
constexpr auto all_minutes = bits_between(0, 59), all_hours = bits_between(0, 23), all_days = bits_between(1, 31),
               all_months = bits_between(1, 12), all_weekdays = bits_between(0, 6);

std::vector<unsigned> values_of(std::uint64_t bits) {
    std::vector<unsigned> values;
    for (; bits; bits &= bits - 1) values.push_back(static_cast<unsigned>(std::countr_zero(bits)));
    return values;
}

/// `a, b and c`.
std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
    return text;
}

/// The values by name, three or more that follow each other as `a to b`.
template <class Name>
std::string listed(std::uint64_t bits, Name name) {
    std::vector<std::string> words;
    const auto values = values_of(bits);
    for (std::size_t i = 0; i < values.size();) {
        auto end = i + 1;
        while (end < values.size() && values[end] == values[end - 1] + 1) ++end;
        if (end - i >= 3) words.push_back(fmt::format("{} to {}", name(values[i]), name(values[end - 1])));
        else
            for (auto at = i; at < end; ++at) words.push_back(name(values[at]));
        i = end;
    }
    return listed(words);
}

std::string plain(unsigned value) { return std::to_string(value); }
std::string month_word(unsigned value) { return month_names[value]; }
std::string weekday_word(unsigned value) { return weekday_names[value]; }

std::string ordinal(unsigned value) {
    const char* end = "th";
    if (value / 10 % 10 != 1 && value % 10 >= 1 && value % 10 <= 3) end = value % 10 == 1 ? "st" : value % 10 == 2 ? "nd" : "rd";
    return std::to_string(value) + end;
}

/// n where the values are those of `*/n` in a field that begins with `least` and ends with `most`.
std::optional<unsigned> step_of(std::uint64_t bits, unsigned least, unsigned most) {
    const auto values = values_of(bits);
    if (values.size() < 3 || values[0] != least) return std::nullopt;
    const auto step = values[1] - values[0];
    std::uint64_t expected = 0;
    for (unsigned value = least; value <= most; value += step) expected |= 1ull << value;
    return bits == expected ? std::optional(step) : std::nullopt;
}

/// The seconds' or the minutes' values: `every minute`, `every 5 minutes`, `at minute 7`.
std::string ticks(std::uint64_t bits, const char* unit) {
    if (bits == all_minutes) return fmt::format("every {}", unit);
    if (const auto step = step_of(bits, 0, 59); step && 60 % *step == 0) return fmt::format("every {} {}s", *step, unit);
    return fmt::format("at {}{} {}", unit, std::popcount(bits) == 1 ? "" : "s", listed(bits, plain));
}

std::string within_hours(std::uint64_t hours) {
    if (hours == all_hours) return "";
    if (const auto step = step_of(hours, 0, 23); step && 24 % *step == 0) return fmt::format(" in every {} hour", ordinal(*step));
    const auto first = static_cast<unsigned>(std::countr_zero(hours));
    const auto last = 63 - static_cast<unsigned>(std::countl_zero(hours));
    if (hours == bits_between(first, last)) return fmt::format(" from {:02}:00 to {:02}:59", first, last);
    return " in the hours " + listed(hours, plain);
}

std::string times_of_day(const Cron& cron) {
    const auto hours = values_of(cron.hours), minutes = values_of(cron.minutes), seconds = values_of(cron.seconds);
    if (seconds.size() == 1 && static_cast<int>(hours.size() * minutes.size()) <= times_told) {
        std::vector<std::string> times;
        for (const auto hour : hours)
            for (const auto minute : minutes)
                times.push_back(seconds[0] == 0 ? fmt::format("{:02}:{:02}", hour, minute)
                                                : fmt::format("{:02}:{:02}:{:02}", hour, minute, seconds[0]));
        return "at " + listed(times);
    }
    auto text = ticks(cron.minutes, "minute");
    const auto first = static_cast<unsigned>(std::countr_zero(cron.hours));
    const auto last = 31 - static_cast<unsigned>(std::countl_zero(cron.hours));
    if (cron.hours == bits_between(first, last) && text.starts_with("at ")) text += " of every hour";
    if (cron.seconds == all_minutes && cron.minutes == all_minutes) text = "every second";
    else if (cron.seconds != 1) text = ticks(cron.seconds, "second") + ", " + text;
    return text + within_hours(cron.hours);
}

/// The day-of-month field in words; empty: any day.
std::string month_days(const Cron& cron) {
    std::vector<std::string> words;
    if (cron.days == all_days) return "";
    if (const auto step = step_of(cron.days, 1, 31)) words.push_back(fmt::format("every {} day from the 1st", ordinal(*step)));
    else if (cron.days != 0) words.push_back("the " + listed(cron.days, ordinal));
    for (const auto day : values_of(cron.near_weekdays))
        words.push_back(fmt::format("the working day nearest to the {}", ordinal(day)));
    for (const auto back : values_of(cron.last_days))
        words.push_back(back == 0 ? "the last day" : back == 1 ? "the last day but one" : fmt::format("{} days before the last", back));
    return listed(words) + " of the month";
}

/// The weekday field in words; empty: any.
std::string week_days(const Cron& cron) {
    if (cron.weekdays == all_weekdays) return "";
    std::vector<std::string> words;
    // The week begins on Monday here: `Saturday and Sunday` stand together.
    const auto monday_first = static_cast<std::uint64_t>(cron.weekdays >> 1 | (cron.weekdays & 1) << 6);
    if (cron.weekdays != 0) words.push_back(listed(monday_first, [](unsigned day) { return weekday_word((day + 1) % 7); }));
    for (unsigned nth = 1; nth < cron.nth_weekdays.size(); ++nth)
        if (cron.nth_weekdays[nth] != 0)
            words.push_back(fmt::format("the {} {}", ordinal(nth), listed(cron.nth_weekdays[nth], weekday_word)));
    if (cron.last_weekdays != 0) words.push_back("the last " + listed(cron.last_weekdays, weekday_word));
    const bool of_month = cron.last_weekdays != 0 || cron.nth_weekdays != decltype(cron.nth_weekdays){};
    return listed(words) + (of_month ? " of the month" : "");
}

std::string days_of(const Cron& cron) {
    const auto days = month_days(cron), weekdays = week_days(cron);
    // Where either one is enough, a field that holds every value makes it any day: `0 0 1-31 * 5`.
    if (!cron.days_and_weekdays && (days.empty() || weekdays.empty())) return "";
    if (days.empty() && weekdays.empty()) return "";
    if (days.empty()) return " on " + weekdays;
    if (weekdays.empty()) return " on " + days;
    if (cron.days_and_weekdays) return " on " + days + ", if it is " + weekdays;
    return " on " + days + ", and on " + weekdays;
}

} // namespace

std::string explain(const Cron& cron) {
    if (cron.kind == Cron::Kind::reboot) return "Once after each boot of the daemon's machine";
    if (cron.kind == Cron::Kind::every) return "Every " + short_duration(cron.every);
    if (cron.kind == Cron::Kind::at) {
        auto time = to_rfc3339(Instant(cron.at));
        if (cron.at_is_local) time.pop_back(); // the Z, which this is not
        return "Once, at " + time;
    }
    auto text = times_of_day(cron);
    const auto days = days_of(cron);
    const auto months = cron.months == all_months ? "" : " in " + listed(cron.months, month_word);
    const bool again = text.ends_with("every hour") || text.find(", every ") != text.npos; // `at seconds 0 and 30, every minute`
    if (days.empty() && text.starts_with("at ") && !again) text += " every day";
    text += days + months;
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
}

std::vector<std::string> explain_notes(const Cron& cron) {
    std::vector<std::string> notes;
    if (cron.kind == Cron::Kind::reboot) return notes;
    if (cron.kind == Cron::Kind::at) {
        if (cron.at_is_local) notes.emplace_back("The time is that of the schedule's time zone.");
        return notes;
    }
    if (cron.kind == Cron::Kind::every) {
        notes.emplace_back("It is counted from 1970-01-01T00:00:00Z, so a restart shifts nothing.");
        return notes;
    }
    if (cron.both_days_restricted)
        notes.emplace_back("Both the day of month and the weekday are given: either one is enough.");
    if (cron.days_and_weekdays && cron.days != all_days && cron.weekdays != all_weekdays)
        notes.emplace_back("One of the two day fields begins with *, so both must match.");
    const auto plain_days = cron.days & ~bits_between(1, 28);
    if (cron.days != all_days && plain_days != 0 && (cron.days & bits_between(1, 28)) == 0 && cron.last_days == 0)
        notes.emplace_back("Months without such a day are left out.");
    notes.emplace_back(cron.follows_elapsed_time
                           ? "A time that the clocks skip is left out, and one that they repeat comes again: the minute or the hour begins with *."
                           : "A time that the clocks skip comes right after the gap; one that they repeat comes once.");
    return notes;
}

} // namespace loom
