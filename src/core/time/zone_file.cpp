#include "core/time/zone_file.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace loom {
namespace {

using namespace std::chrono;
using Transitions = std::vector<Zone::Transition>;

std::int64_t big_endian(std::string_view bytes) {
    std::uint64_t value = (bytes.front() & 0x80) ? ~std::uint64_t{0} : 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
}

/// A block's header: the counts in their order in the file.
struct Header {
    static constexpr std::size_t size = 44;
    std::size_t utc_flags, standard_flags, leaps, times, types, letters;

    std::size_t block(std::size_t time_bytes) const {
        return times * (time_bytes + 1) + types * 6 + letters + leaps * (time_bytes + 4) + standard_flags + utc_flags;
    }
};

std::optional<Header> read_header(std::string_view bytes) {
    if (bytes.size() < Header::size || bytes.substr(0, 4) != "TZif" || bytes[4] < '2') return std::nullopt;
    std::array<std::size_t, 6> n{};
    for (std::size_t i = 0; i < n.size(); ++i) {
        const auto count = big_endian(bytes.substr(20 + 4 * i, 4));
        if (count < 0 || count > 100'000) return std::nullopt;
        n[i] = static_cast<std::size_t>(count);
    }
    return Header{n[0], n[1], n[2], n[3], n[4], n[5]};
}

void append(Transitions& list, sys_seconds at, seconds offset) {
    if (!list.empty() && list.back().at == at) list.pop_back();
    if (list.empty() || list.back().offset != offset) list.push_back({at, offset});
}

/// A reader of the POSIX TZ string: `CET-1CEST,M3.5.0,M10.5.0/3`, with RFC 8536's hours from -167 to 167.
struct RuleReader {
    std::string_view rest;
    bool good = true;

    bool take(char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    void name() {
        const auto end = rest.starts_with('<') ? rest.find('>') + 1 : std::min(rest.find_first_of("+-0123456789,"), rest.size());
        good = good && end > 0;
        rest.remove_prefix(end);
    }
    int number(int least, int most) {
        int value = 0;
        std::size_t digits = 0;
        for (; !rest.empty() && rest.front() >= '0' && rest.front() <= '9' && digits < 4; ++digits) {
            value = value * 10 + (rest.front() - '0');
            rest.remove_prefix(1);
        }
        good = good && digits > 0 && value >= least && value <= most;
        return value;
    }
    seconds time() {
        const bool negative = take('-');
        if (!negative) take('+');
        seconds value = hours(number(0, 167));
        if (take(':')) value += minutes(number(0, 59));
        if (take(':')) value += seconds(number(0, 59));
        return negative ? -value : value;
    }
};

/// A day of each year, and the local time on it.
struct YearlyChange {
    enum class Form { julian, ordinal, weekday } form = Form::ordinal;
    int day = 0, week = 0, month = 0;
    seconds time = hours(2);

    local_seconds in(year y) const {
        if (form == Form::ordinal) return local_days(y / January / 1) + days(day) + time;
        if (form == Form::julian) // 1 to 365: 29 February is never counted
            return local_days(y / January / 1) + days(day - 1 + (y.is_leap() && day >= 60 ? 1 : 0)) + time;
        const auto m = y / std::chrono::month(static_cast<unsigned>(month));
        const weekday wanted(static_cast<unsigned>(day));
        return (week == 5 ? local_days(m / wanted[last]) : local_days(m / wanted[static_cast<unsigned>(week)])) + time;
    }
};

YearlyChange read_change(RuleReader& in) {
    YearlyChange change;
    in.good = in.take(',') && in.good;
    if (in.take('M')) {
        change.form = YearlyChange::Form::weekday;
        change.month = in.number(1, 12);
        in.good = in.take('.') && in.good;
        change.week = in.number(1, 5);
        in.good = in.take('.') && in.good;
        change.day = in.number(0, 6);
    } else if (in.take('J')) {
        change.form = YearlyChange::Form::julian;
        change.day = in.number(1, 365);
    } else {
        change.day = in.number(0, 365);
    }
    if (in.take('/')) change.time = in.time();
    return change;
}

/// Appends what the footer says; false when it cannot be read.
bool append_rule(Transitions& list, std::string_view footer, int last_year) {
    if (footer.empty()) return true;
    RuleReader in{footer};
    in.name();
    const seconds standard = -in.time();
    if (in.rest.empty()) return in.good; // no summer time: the last tabulated offset stays
    in.name();
    const bool said = !in.rest.empty() && in.rest.front() != ',';
    const seconds summer = said ? -in.time() : standard + hours(1);
    const auto start = read_change(in);
    const auto end = read_change(in);
    if (!in.good || !in.rest.empty()) return false;

    const bool tabulated = list.size() > 1;
    const auto known = tabulated ? list.back().at : sys_seconds(sys_days(year(1900) / 1 / 1));
    Transitions more;
    for (year y = year_month_day(floor<days>(known)).year(); y <= year(last_year); ++y) {
        more.push_back({sys_seconds((start.in(y) - standard).time_since_epoch()), summer});
        more.push_back({sys_seconds((end.in(y) - summer).time_since_epoch()), standard});
    }
    std::ranges::stable_sort(more, {}, &Zone::Transition::at);
    for (const auto& [at, offset] : more)
        if (at > known) append(list, at, offset);
    return true;
}

} // namespace

Result<Transitions> read_zone_file(std::string_view bytes, int last_year) {
    const Error bad{Errc::config, "not a zone file of TZif version 2 or later"};
    const auto first = read_header(bytes);
    if (!first || bytes.size() < Header::size + first->block(4)) return bad;
    bytes.remove_prefix(Header::size + first->block(4)); // version 1's block of 32-bit times
    const auto header = read_header(bytes);
    if (!header || header->types == 0 || bytes.size() < Header::size + header->block(8)) return bad;
    if (header->leaps != 0) return Error{Errc::config, "a zone that counts leap seconds (right/) cannot be used"};

    const auto times = bytes.substr(Header::size);
    const auto indices = times.substr(header->times * 8);
    const auto types = indices.substr(header->times);
    const auto offset_of = [&](std::size_t type) { return seconds(big_endian(types.substr(type * 6, 4))); };
    Transitions list{{sys_seconds::min(), offset_of(0)}};
    for (std::size_t i = 0; i < header->times; ++i) {
        const auto type = static_cast<unsigned char>(indices[i]);
        const sys_seconds at{seconds(big_endian(times.substr(i * 8, 8)))};
        if (type >= header->types || (i > 0 && at <= list.back().at && list.size() > 1)) return bad;
        append(list, at, offset_of(type));
    }
    auto footer = bytes.substr(Header::size + header->block(8));
    if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return bad;
    if (!append_rule(list, footer.substr(1, footer.size() - 2), last_year)) return bad;
    return list;
}

} // namespace loom
