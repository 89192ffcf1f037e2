#include "core/schedule/notice.hpp"

#include "core/base/limits.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

using Event = NotifyEvent;

Instant minute(int at) { return Instant(std::chrono::minutes(at)); }

EndedRun ended(RunState state, int at, Reason reason = Reason::cron) { return {state, reason, minute(at)}; }

/// A letter a run, oldest first and a minute apart: o(k), f(ailed), t(imed out), i(nterrupted), s(kipped), c(ancelled), m(issed), n(ode catch-up ok).
EndedRun end_of(char letter, int at) {
    switch (letter) {
    case 'f': return ended(RunState::failed, at);
    case 't': return ended(RunState::timed_out, at);
    case 'i': return ended(RunState::interrupted, at);
    case 's': return ended(RunState::skipped, at);
    case 'c': return ended(RunState::cancelled, at);
    case 'm': return ended(RunState::missed, at);
    case 'n': return ended(RunState::ok, at, Reason::node_catch_up);
    default: return ended(RunState::ok, at);
    }
}

/// What a rule with all events says of the last of the runs.
std::string said(const std::string& runs, NotifyRule rule) {
    std::vector<EndedRun> past;
    for (std::size_t i = 0; i + 1 < runs.size(); ++i) past.insert(past.begin(), end_of(runs[i], static_cast<int>(i)));
    const auto notice = notice_of(rule, end_of(runs.back(), static_cast<int>(runs.size() - 1)), past);
    if (!notice) return "";
    return std::string(to_string(notice->event)) + " " + std::to_string(notice->failures);
}

NotifyRule all_events() {
    NotifyRule rule;
    rule.on = {Event::first_failure, Event::still_failing, Event::recovery, Event::success, Event::missed, Event::overdue};
    return rule;
}

} // namespace

TEST_CASE("a rule tells of changes") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"o", "success 0"},       {"f", "first_failure 1"}, {"of", "first_failure 1"}, {"ff", "still_failing 2"}, {"off", "still_failing 2"},
        {"fo", "recovery 1"},     {"fffo", "recovery 3"},   {"foo", "success 0"},      {"oft", "still_failing 2"}, {"ofi", "still_failing 2"},
        // What says nothing is passed over, now and as the past.
        {"s", ""},                {"c", ""},                {"fs", ""},                {"fsf", "still_failing 2"}, {"fcf", "still_failing 2"},
        {"fso", "recovery 1"},    {"n", ""},                {"fnf", "still_failing 2"}, {"fn", ""},
        // A run that was missed is told of, and is neither a failure nor the end of some.
        {"m", "missed 0"},        {"fmf", "still_failing 2"}, {"mf", "first_failure 1"}, {"fmo", "recovery 1"},
    };
    for (const auto& [runs, expected] : rows) {
        INFO(runs);
        CHECK(said(runs, all_events()) == expected);
    }
}

TEST_CASE("a rule tells what it is asked for alone") {
    NotifyRule rule;
    rule.on = {Event::recovery};
    CHECK(said("f", rule).empty());
    CHECK(said("fo", rule) == "recovery 1");
    CHECK(said("o", rule).empty());
    CHECK(said("m", rule).empty());
    CHECK_FALSE(notice_of_overdue(rule));
    rule.on = {Event::success};
    CHECK(said("fo", rule) == "success 1");
    rule.on = {Event::overdue};
    CHECK(notice_of_overdue(rule)->event == Event::overdue);
    CHECK(NotifyRule().on == std::vector{Event::first_failure, Event::recovery, Event::missed, Event::overdue});
}

TEST_CASE("a rule repeats itself every so many failures") {
    auto rule = all_events();
    rule.every = 3;
    std::string told;
    for (std::size_t count = 1; count <= 7; ++count) told += said(std::string(count, 'f'), rule).empty() ? '-' : '!';
    CHECK(told == "!-!--!-");
}

TEST_CASE("a rule repeats itself once in so long") {
    auto rule = all_events();
    rule.after = std::chrono::minutes(3);
    std::string told;
    for (std::size_t count = 1; count <= 8; ++count) told += said(std::string(count, 'f'), rule).empty() ? '-' : '!';
    CHECK(told == "!--!--!-");
}

TEST_CASE("the time of the first failure is told") {
    const auto rule = all_events();
    CHECK(notice_of(rule, ended(RunState::failed, 9), {})->since == minute(9));
    const auto still = notice_of(rule, ended(RunState::failed, 9), {ended(RunState::failed, 8), ended(RunState::failed, 5), ended(RunState::ok, 1)});
    CHECK(still->since == minute(5));
    CHECK(notice_of(rule, ended(RunState::ok, 9), {ended(RunState::failed, 8), ended(RunState::failed, 5)})->since == minute(5));
}

TEST_CASE("a rule is for the jobs that its patterns name") {
    NotifyRule rule;
    CHECK(concerns(rule, "backup"));
    CHECK_FALSE(concerns(rule, "")); // exec
    rule.jobs = {"back*", "db-?"};
    CHECK(concerns(rule, "backup"));
    CHECK(concerns(rule, "db-1"));
    CHECK_FALSE(concerns(rule, "db-12"));
    CHECK_FALSE(concerns(rule, "Backup"));
}

TEST_CASE("what cannot be told is tried again, ever later, for a day") {
    const Instant created(std::chrono::hours(1000));
    const auto wait = [&](std::uint32_t attempts, Milliseconds since) { return *next_notify(attempts, created, created + since) - (created + since); };
    CHECK(wait(1, Milliseconds(0)) == std::chrono::seconds(10));
    CHECK(wait(2, Milliseconds(0)) == std::chrono::seconds(20));
    CHECK(wait(5, Milliseconds(0)) == std::chrono::seconds(160));
    CHECK(wait(10, Milliseconds(0)) == std::chrono::hours(1));
    CHECK(wait(4'000'000'000u, Milliseconds(0)) == std::chrono::hours(1));
    CHECK_FALSE(next_notify(30, created, created + limits::notify_give_up));
}

TEST_CASE("no run before the newest success is looked at") {
    CHECK(!reaches_success({}));
    CHECK(!reaches_success({ended(RunState::failed, 3), ended(RunState::skipped, 2), ended(RunState::missed, 1)}));
    CHECK(reaches_success({ended(RunState::failed, 3), ended(RunState::ok, 2)}));
    CHECK(!reaches_success({ended(RunState::ok, 3, Reason::node_catch_up)}));
}
