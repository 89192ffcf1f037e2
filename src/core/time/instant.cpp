#include "core/time/instant.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using namespace std::chrono;

/// Reads a text from its front; a mismatch leaves the reader failed, and it stays so.
struct Reader {
    std::string_view rest;
    bool good = true;

    bool take(std::string_view any_of) {
        if (rest.empty() || any_of.find(rest.front()) == any_of.npos) return false;
        rest.remove_prefix(1);
        return true;
    }
    void expect(std::string_view any_of) { good = take(any_of) && good; }
    bool digit() const { return !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; }
    int number(std::size_t digits, int most) {
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (!digit()) return good = false, 0;
            value = value * 10 + (rest.front() - '0');
            rest.remove_prefix(1);
        }
        if (value > most) good = false;
        return value;
    }
};

milliseconds read_time(Reader& in) {
    milliseconds time = hours(in.number(2, 23));
    in.expect(":");
    time += minutes(in.number(2, 59));
    if (!in.take(":")) return time;
    time += seconds(in.number(2, 60)); // 60: a leap second, which is the next minute's start here
    if (!in.take(".")) return time;
    if (!in.digit()) in.good = false;
    for (int scale = 100; in.digit(); scale /= 10) time += milliseconds(in.number(1, 9) * scale);
    return time;
}

minutes read_offset(Reader& in) {
    if (in.rest.empty() || in.take("Zz")) return minutes(0);
    const bool west = in.take("-");
    if (!west) in.expect("+");
    const int hour = in.number(2, 23);
    in.expect(":");
    const minutes offset = hours(hour) + minutes(in.number(2, 59));
    return west ? -offset : offset;
}

} // namespace

std::string to_rfc3339(Instant instant) {
    const auto day = floor<days>(instant);
    const year_month_day date(day);
    const hh_mm_ss time(instant - day);
    auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", int(date.year()), unsigned(date.month()),
                            unsigned(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count());
    if (time.subseconds().count() != 0) text += fmt::format(".{:03}", time.subseconds().count());
    return text + 'Z';
}

Result<Instant> parse_instant(std::string_view text) {
    Reader in{text};
    const year y(in.number(4, 9999));
    in.expect("-");
    const month m(static_cast<unsigned>(in.number(2, 12)));
    in.expect("-");
    const day d(static_cast<unsigned>(in.number(2, 31)));
    milliseconds time{0};
    if (in.good && in.take("Tt ")) {
        time = read_time(in);
        time -= read_offset(in);
    }
    const year_month_day date(y, m, d);
    if (!in.good || !in.rest.empty() || !date.ok())
        return usage_error(fmt::format("\"{}\" is not a time; expected e.g. 2026-01-31T08:05:00Z, "
                                       "2026-01-31T09:05:00+01:00, \"2026-01-31 08:05\" (UTC) or 2026-01-31",
                                       text));
    return Instant(sys_days(date)) + time;
}

} // namespace loom
