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

std::optional<minutes> read_offset(Reader& in) {
    if (in.rest.empty()) return std::nullopt;
    if (in.take("Zz")) return minutes(0);
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
    std::string text;
    const auto put = [&text](char before, long long number, int digits) {
        if (before) text += before;
        for (int unit = digits == 4 ? 1000 : digits == 3 ? 100 : 10; unit > 0; unit /= 10)
            text += static_cast<char>('0' + number / unit % 10);
    };
    // By hand: two of these for each node's event were a twentieth of an exec on a kept session.
    put(0, int(date.year()), 4);
    put('-', unsigned(date.month()), 2);
    put('-', unsigned(date.day()), 2);
    put('T', time.hours().count(), 2);
    put(':', time.minutes().count(), 2);
    put(':', time.seconds().count(), 2);
    if (time.subseconds().count() != 0) put('.', time.subseconds().count(), 3);
    return text + 'Z';
}

Result<WrittenTime> parse_written_time(std::string_view text) {
    Reader in{text};
    const year y(in.number(4, 9999));
    in.expect("-");
    const month m(static_cast<unsigned>(in.number(2, 12)));
    in.expect("-");
    const day d(static_cast<unsigned>(in.number(2, 31)));
    WrittenTime written;
    written.whole_day = in.good && in.rest.empty();
    milliseconds time{0};
    if (in.good && in.take("Tt ")) {
        time = read_time(in);
        written.offset = read_offset(in);
    }
    const year_month_day date(y, m, d);
    if (!in.good || !in.rest.empty() || !date.ok())
        return usage_error(fmt::format("\"{}\" is not a time; expected e.g. 2026-01-31T08:05:00Z, "
                                       "2026-01-31T09:05:00+01:00, \"2026-01-31 08:05\" (UTC) or 2026-01-31",
                                       text));
    written.wall = local_days(date) + time;
    return written;
}

Result<Instant> parse_instant(std::string_view text) {
    const auto written = parse_written_time(text);
    if (!written) return written.error();
    return Instant(written->wall.time_since_epoch()) - written->offset.value_or(minutes(0));
}

} // namespace loom
