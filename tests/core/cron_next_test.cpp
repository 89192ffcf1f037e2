#include "core/time/cron.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>

namespace loom {
namespace {

using namespace std::chrono;

bool thorough() { return std::getenv("LOOM_TEST_LONG") != nullptr; }

Schedule schedule_of(std::string_view text, std::string_view zone = "UTC", Gap gap = Gap::run_after, Fold fold = Fold::first) {
    Schedule schedule;
    schedule.text = text;
    schedule.cron = parse_cron(text).value();
    schedule.zone = find_zone(zone).value();
    schedule.gap = gap;
    schedule.fold = fold;
    return schedule;
}

std::vector<std::string> next_few(const Schedule& schedule, std::string_view after, std::size_t count) {
    std::vector<std::string> list;
    auto at = parse_instant(after).value();
    while (list.size() < count) {
        const auto due = next(schedule, at);
        if (!due) break;
        list.push_back(to_rfc3339(*due));
        at = *due;
    }
    return list;
}

/// A random expression, with the values that it names: the walkers below never see the parser's masks.
struct Expression {
    std::string text;
    std::set<int> at_minutes, at_hours, on_days, in_months, on_weekdays;
    std::function<bool(year_month_day)> special_day = [](auto) { return false; };
    bool both = false, elapsed = false;

    bool matches_date(local_days day) const {
        const year_month_day date(day);
        const bool by_day = on_days.contains(static_cast<int>(unsigned(date.day()))) || special_day(date);
        const bool by_weekday = on_weekdays.contains(static_cast<int>(weekday(day).c_encoding()));
        return in_months.contains(static_cast<int>(unsigned(date.month()))) && (both ? by_day && by_weekday : by_day || by_weekday);
    }
    bool matches(local_time<minutes> at) const {
        const auto day = floor<days>(at);
        const auto minute = (at - day).count();
        return at_hours.contains(static_cast<int>(minute / 60)) && at_minutes.contains(static_cast<int>(minute % 60)) && matches_date(day);
    }
};

class Generator {
public:
    explicit Generator(unsigned seed) : random_(seed) {}

    int pick(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

    Expression expression(bool dense) {
        Expression e;
        const auto minute = field(0, 59, e.at_minutes, dense), hour = field(0, dense ? 5 : 23, e.at_hours, dense);
        auto day = field(1, 31, e.on_days, true);
        if (pick(0, 3) == 0) day = special(e);
        const auto month = pick(0, 2) ? field(1, 1, e.in_months, true, 12) : field(1, 12, e.in_months, false);
        const auto week = field(0, 6, e.on_weekdays, true);
        e.text = minute + ' ' + hour + ' ' + day + ' ' + month + ' ' + week;
        e.both = day[0] == '*' || week[0] == '*';
        e.elapsed = minute[0] == '*' || hour[0] == '*';
        return e;
    }

private:
    /// A field over [least, most] when values are named; a star always stands for all up to the field's own end.
    std::string field(int least, int most, std::set<int>& values, bool star_often, int end = 0) {
        const int all = end ? end : most == 5 ? 23 : most;
        const auto add = [&](int from, int to, int by) {
            for (int v = from; v <= to; v += by) values.insert(v);
        };
        const int form = pick(0, star_often ? 5 : 3);
        if (form >= 4 || end) return add(least, all, 1), "*";
        if (form == 3) {
            const int by = pick(1, 7);
            return add(least, all, by), "*/" + std::to_string(by);
        }
        std::string text;
        for (int i = pick(1, 3); i > 0; --i) {
            const int from = pick(least, most), to = form == 0 ? from : pick(from, most), by = form == 2 ? pick(1, 4) : 1;
            add(from, to, by);
            text += (text.empty() ? "" : ",") + std::to_string(from);
            if (to != from) text += '-' + std::to_string(to);
            if (to != from && by != 1) text += '/' + std::to_string(by);
        }
        return text;
    }

    std::string special(Expression& e) {
        e.on_days.clear();
        const int n = pick(0, 27);
        if (pick(0, 1)) {
            e.special_day = [n](year_month_day date) { // n days before the last
                return local_days(date) + days(n + 1) == local_days(date.year() / date.month() / last) + days(1);
            };
            return n ? "L-" + std::to_string(n) : "L";
        }
        const int day = n + 1;
        e.special_day = [day](year_month_day date) {
            const auto wanted = local_days(date.year() / date.month() / day);
            for (const int shift : {0, -1, 1, -2, 2}) {
                const auto near = wanted + days(shift);
                const auto on = weekday(near);
                if (on != Saturday && on != Sunday && year_month_day(near).month() == date.month()) return near == local_days(date);
            }
            return false;
        };
        return std::to_string(day) + 'W';
    }

    std::mt19937 random_;
};

/// What the clocks of a zone show, minute by minute: the rules of gap and fold are read off it.
struct Clocks {
    struct Minute {
        sys_time<minutes> at;
        local_time<minutes> shown;
    };
    std::vector<Minute> list;
    std::map<local_time<minutes>, std::pair<std::size_t, std::size_t>> first_and_last;

    Clocks(const Zone& zone, sys_time<minutes> from, sys_time<minutes> to) {
        for (auto at = from; at < to; at += minutes(1)) {
            const auto shown = local_time<minutes>(floor<minutes>((at + zone.offset_at(at)).time_since_epoch()));
            const auto [it, fresh] = first_and_last.try_emplace(shown, list.size(), list.size());
            it->second.second = list.size();
            list.push_back({at, shown});
        }
    }

    std::vector<Instant> due(const Expression& e, const Schedule& s, std::size_t from, std::size_t to) const {
        std::vector<Instant> found;
        for (auto i = from; i < to; ++i) {
            const auto [at, shown] = list[i];
            bool fires = e.matches(shown);
            if (!e.elapsed) {
                const auto& [first, last] = first_and_last.at(shown);
                if (s.fold == Fold::first) fires = fires && i == first;
                if (s.fold == Fold::last) fires = fires && i == last;
                if (s.gap == Gap::run_after)
                    for (auto gone = list[i - 1].shown + minutes(1); gone < shown; gone += minutes(1)) fires = fires || e.matches(gone);
            }
            if (fires) found.push_back(at);
        }
        return found;
    }
};

/// Compares around one change of a zone's offset; true when all agree.
bool agrees(const Expression& e, const Schedule& s, const Clocks& clocks, std::size_t from, std::size_t to) {
    const auto expected = clocks.due(e, s, from, to);
    std::vector<Instant> found;
    const Instant end = clocks.list[to].at;
    for (auto due = next(s, Instant(clocks.list[from].at) - 1ms); due && *due < end; due = next(s, *due)) found.push_back(*due);
    return found == expected;
}

} // namespace

TEST_CASE("the next instants of common schedules") {
    struct {
        const char *text, *after;
        std::vector<std::string> due;
    } const cases[] = {
        {"* * * * *", "2026-01-31T23:59:00Z", {"2026-02-01T00:00:00Z", "2026-02-01T00:01:00Z"}},
        {"* * * * *", "2026-01-31T23:58:59.999Z", {"2026-01-31T23:59:00Z"}},
        {"*/15 9-17 * * 1-5", "2026-01-30T17:45:00Z", {"2026-02-02T09:00:00Z"}},
        {"0 0 29 2 *", "2096-02-29T00:00:00Z", {"2104-02-29T00:00:00Z"}},
        {"0 0 29 2 mon", "2026-02-24T00:00:00Z", {"2027-02-01T00:00:00Z"}},
        {"0 0 1,15 * 3", "2026-01-01T00:00:00Z", {"2026-01-07T00:00:00Z", "2026-01-14T00:00:00Z", "2026-01-15T00:00:00Z"}},
        {"0 0 */2 * 1", "2026-01-01T00:00:00Z", {"2026-01-05T00:00:00Z", "2026-01-19T00:00:00Z", "2026-02-09T00:00:00Z"}},
        {"59 23 31 12 *", "2026-12-31T23:59:00Z", {"2027-12-31T23:59:00Z"}},
        {"*/20 30 4 * * *", "2026-01-01T04:30:10Z", {"2026-01-01T04:30:20Z", "2026-01-01T04:30:40Z", "2026-01-02T04:30:00Z"}},
        {"0 0 L * *", "2028-02-01T00:00:00Z", {"2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"}},
        {"0 0 L-2 * *", "2026-02-01T00:00:00Z", {"2026-02-26T00:00:00Z"}},
        {"0 0 1W * *", "2026-07-31T00:00:00Z", {"2026-08-03T00:00:00Z", "2026-09-01T00:00:00Z"}},
        {"0 0 31W * *", "2026-01-01T00:00:00Z", {"2026-01-30T00:00:00Z", "2026-03-31T00:00:00Z"}},
        {"0 0 * * 5#3", "2026-01-01T00:00:00Z", {"2026-01-16T00:00:00Z", "2026-02-20T00:00:00Z"}},
        {"0 0 * * 1#5", "2026-01-01T00:00:00Z", {"2026-03-30T00:00:00Z"}},
        {"0 0 * * 5L", "2026-01-01T00:00:00Z", {"2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"}},
        {"@every 90s", "1970-01-01T00:02:00Z", {"1970-01-01T00:03:00Z", "1970-01-01T00:04:30Z"}},
        {"@every 7s", "1969-12-31T23:59:59Z", {"1970-01-01T00:00:00Z", "1970-01-01T00:00:07Z"}},
        {"@reboot", "2026-01-01T00:00:00Z", {}},
    };
    for (const auto& c : cases) {
        CAPTURE(c.text, c.after);
        CHECK(next_few(schedule_of(c.text), c.after, std::max<std::size_t>(1, c.due.size())) == c.due);
    }
}

TEST_CASE("clocks that are set forward and back") {
    struct {
        const char *text, *zone;
        Gap gap;
        Fold fold;
        const char* after;
        std::vector<std::string> due;
    } const cases[] = {
        // Berlin: 02:00-03:00 is missing on 29 March 2026, and comes twice on 25 October.
        {"30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-03-28T12:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
        {"10,20,30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-03-28T12:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T00:10:00Z"}},
        {"0 2,3 * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-03-28T12:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
        {"30 2 * * *", "Europe/Berlin", Gap::skip, Fold::first, "2026-03-28T12:00:00Z", {"2026-03-30T00:30:00Z"}},
        {"30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-10-24T12:00:00Z", {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
        {"30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::last, "2026-10-24T12:00:00Z", {"2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"}},
        {"30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::both, "2026-10-24T12:00:00Z", {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}},
        {"0 3 * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-10-24T12:00:00Z", {"2026-10-25T02:00:00Z"}},
        {"30 * * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-03-29T00:00:00Z", {"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}},
        {"30 * * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-10-25T00:00:00Z", {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"}},
        {"*/30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2026-03-28T12:00:00Z", {"2026-03-30T00:00:00Z"}},
        {"30 2 * * *", "Europe/Berlin", Gap::run_after, Fold::first, "2050-03-26T12:00:00Z", {"2050-03-27T01:00:00Z"}},
        // Lord Howe: half an hour.
        {"15 2 * * *", "Australia/Lord_Howe", Gap::run_after, Fold::first, "2026-10-03T00:00:00Z", {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
        {"45 1 * * *", "Australia/Lord_Howe", Gap::run_after, Fold::both, "2026-04-04T00:00:00Z", {"2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"}},
        // Midnight does not come: São Paulo on 4 November 2018, Beirut on 29 March 2026.
        {"0 0 * * *", "America/Sao_Paulo", Gap::run_after, Fold::first, "2018-11-03T12:00:00Z", {"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
        {"30 0 4 11 *", "America/Sao_Paulo", Gap::run_after, Fold::first, "2018-11-03T12:00:00Z", {"2018-11-04T03:00:00Z"}},
        {"0 0 * * *", "Asia/Beirut", Gap::skip, Fold::first, "2026-03-28T12:00:00Z", {"2026-03-29T21:00:00Z"}},
        // Apia had no 30 December 2011.
        {"0 12 * * *", "Pacific/Apia", Gap::run_after, Fold::first, "2011-12-29T12:00:00Z", {"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"}},
        {"0 12 30 12 *", "Pacific/Apia", Gap::skip, Fold::first, "2011-01-01T12:00:00Z", {"2012-12-29T22:00:00Z"}},
    };
    for (const auto& c : cases) {
        CAPTURE(c.text, c.zone, c.after);
        CHECK(next_few(schedule_of(c.text, c.zone, c.gap, c.fold), c.after, c.due.size()) == c.due);
    }
}

TEST_CASE("random schedules agree with a walk through every day") {
    Generator make(11);
    for (int round = 0; round < (thorough() ? 20'000 : 120); ++round) {
        const auto e = make.expression(false);
        const auto cron = parse_cron(e.text);
        if (!cron) continue; // a date that never comes
        auto s = schedule_of(e.text);
        local_days day = local_days(2000y / 1 / 1) + days(make.pick(0, 40'000));
        const auto first = Instant(sys_days(day.time_since_epoch()));
        auto due = next(s, first - 1ms);
        for (int i = 0; i < 800; ++i, day += days(1)) {
            const bool expected = e.matches_date(day);
            const sys_days here(day.time_since_epoch());
            if (!expected && (!due || *due >= here + days(1))) continue;
            std::vector<Instant> times;
            if (expected)
                for (const int hour : e.at_hours)
                    for (const int minute : e.at_minutes) times.push_back(here + hours(hour) + minutes(minute));
            bool agreed = due && !times.empty() && *due == times.front();
            if (i % 50 == 0)
                for (const auto at : times) agreed = agreed && next(s, at - 1ms) == at;
            if (!agreed) {
                CAPTURE(e.text, to_rfc3339(here));
                REQUIRE(agreed);
            }
            due = next(s, times.back());
        }
    }
    SUCCEED("every walk agreed");
}

TEST_CASE("random schedules agree with a walk through every minute around changes of the clock") {
    const bool more = thorough();
    Generator make(5);
    for (const auto* name : {"Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut", "America/Havana",
                             "Pacific/Apia", "America/New_York", "Europe/Dublin", "Antarctica/Troll", "Africa/Casablanca"}) {
        const auto zone = find_zone(name).value();
        std::vector<sys_seconds> changes;
        for (const auto& t : zone->transitions())
            if (t.at > sys_days(1972y / 6 / 1) && t.at < sys_days(2045y / 1 / 1)) changes.push_back(t.at);
        REQUIRE(!changes.empty());
        for (std::size_t n = 0; n < (more ? changes.size() : 3); ++n) {
            // Apia's lost day is always among them, and one from the footer's rule where the zone has one.
            auto at = more ? changes[n] : n == 0 ? changes.back() : changes[static_cast<std::size_t>(make.pick(0, int(changes.size()) - 1))];
            if (!more && n == 1 && name == std::string_view("Pacific/Apia")) at = sys_days(2011y / 12 / 30) + 10h;
            const auto middle = floor<minutes>(at);
            const Clocks clocks(*zone, middle - hours(54), middle + hours(42));
            const auto from = std::size_t{26 * 60}, to = clocks.list.size() - 1 - 6 * 60;
            for (int round = 0; round < (more ? 60 : 8); ++round) {
                const auto e = make.expression(true);
                if (!parse_cron(e.text)) continue;
                const auto s = schedule_of(e.text, name, static_cast<Gap>(make.pick(0, 1)), static_cast<Fold>(make.pick(0, 2)));
                CAPTURE(name, e.text, int(s.gap), int(s.fold), to_rfc3339(at));
                const bool same = agrees(e, s, clocks, from, to);
                if (!same) CHECK(same);
            }
        }
    }
    SUCCEED("every walk agreed");
}

TEST_CASE("a schedule looks as far as it must, and no further") {
    auto s = schedule_of("0 0 29 2 *", "Europe/Berlin");
    CHECK(next_few(s, "2199-01-01T00:00:00Z", 1) == std::vector<std::string>{"2204-02-28T23:00:00Z"});
    s.cron.months = 0;
    CHECK(!next(s, Instant{}));
    CHECK(!next(s, Instant::max()));
    CHECK(!next(s, Instant::min()));
}

} // namespace loom
