#include "core/schedule/forecast.hpp"
#include "core/schedule/planner.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <algorithm>
#include <random>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using namespace std::chrono;

Instant at(std::string_view text) { return parse_instant(text).value(); }

Job job_of(std::string name, std::string_view schedule, std::string_view zone = "UTC") {
    Job job;
    job.name = std::move(name);
    job.schedule.emplace();
    job.schedule->text = schedule;
    job.schedule->cron = parse_cron(schedule, job.name).value();
    job.schedule->zone = find_zone(zone).value();
    job.targets->nodes = {"a", "b", "c"};
    return job;
}

Simulation simulation_of(std::vector<Job> jobs, std::string_view from, std::string_view to, Milliseconds length = 1min) {
    const auto catalog = std::make_shared<Catalog>();
    catalog->jobs = std::move(jobs);
    Simulation simulation;
    simulation.lengths.assign(catalog->jobs.size(), length);
    simulation.catalog = catalog;
    simulation.from = at(from);
    simulation.to = at(to);
    return simulation;
}

std::string_view word(Decision::Kind kind) {
    constexpr std::string_view words[] = {"nothing", "fire", "skip", "missed", "hold"};
    return words[static_cast<std::size_t>(kind)];
}

/// Writes all that it hears down, a line each.
class Notes final : public SimulationVisitor {
public:
    void decided(const Job& job, const Decision& decision, Instant at) override {
        lines.push_back(fmt::format("{} {} {}", to_rfc3339(at), word(decision.kind), job.name));
    }
    void began(const Job&, Instant) override {}
    void ended(const Job& job, Instant at) override { lines.push_back(fmt::format("{} end {}", to_rfc3339(at), job.name)); }
    void clocks_changed(const Job& job, const ClockChange& change) override {
        lines.push_back(fmt::format("{} clocks {}: {}", to_rfc3339(change.begin), job.name, to_words(change, *job.schedule->zone)));
    }
    std::vector<std::string> lines;
};

using Lines = std::vector<std::string>;

Lines lines_of(const Simulation& simulation) {
    Notes notes;
    simulate(simulation, notes);
    return notes.lines;
}

} // namespace

TEST_CASE("a simulation begins with the first instant of its time and ends before the last") {
    CHECK(lines_of(simulation_of({job_of("a", "0 * * * *")}, "2026-01-01 10:00", "2026-01-01 12:00")) ==
          Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:01:00Z end a", "2026-01-01T11:00:00Z fire a",
                "2026-01-01T11:01:00Z end a"});
}

TEST_CASE("a run that lasts too long costs the job its next instant, unless overlap is allowed") {
    auto simulation = simulation_of({job_of("a", "0,30 * * * *")}, "2026-01-01 10:00", "2026-01-01 11:30", 40min);
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:30:00Z skip a",
                                        "2026-01-01T10:40:00Z end a", "2026-01-01T11:00:00Z fire a"});
    auto job = job_of("a", "0,30 * * * *");
    job.policy->overlap = Overlap::allow;
    simulation = simulation_of({job}, "2026-01-01 10:00", "2026-01-01 11:00", 40min);
    CHECK(lines_of(simulation) ==
          Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:30:00Z fire a", "2026-01-01T10:40:00Z end a"});
}

TEST_CASE("a run waits for the one before, takes its place, or ends it, as the job says") {
    const auto lines = [](Overlap overlap) {
        auto job = job_of("a", "0,10,20,30 10 1 1 *");
        job.policy->overlap = overlap;
        return lines_of(simulation_of({job}, "2026-01-01 10:00", "2026-01-01 12:00", 25min));
    };
    CHECK(lines(Overlap::buffer_one) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:20:00Z skip a", "2026-01-01T10:25:00Z end a",
                                              "2026-01-01T10:25:00Z fire a", "2026-01-01T10:50:00Z end a", "2026-01-01T10:50:00Z fire a",
                                              "2026-01-01T11:15:00Z end a"});
    CHECK(lines(Overlap::buffer_all) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:25:00Z end a", "2026-01-01T10:25:00Z fire a",
                                              "2026-01-01T10:50:00Z end a", "2026-01-01T10:50:00Z fire a", "2026-01-01T11:15:00Z end a",
                                              "2026-01-01T11:15:00Z fire a", "2026-01-01T11:40:00Z end a"});
    CHECK(lines(Overlap::cancel_other) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:10:00Z end a", "2026-01-01T10:10:00Z fire a",
                                                "2026-01-01T10:20:00Z end a", "2026-01-01T10:20:00Z fire a", "2026-01-01T10:30:00Z end a",
                                                "2026-01-01T10:30:00Z fire a", "2026-01-01T10:55:00Z end a"});
}

TEST_CASE("a run that ends when the next one is due is no overlap") {
    const auto lines = lines_of(simulation_of({job_of("a", "*/5 * * * *")}, "2026-01-01 10:00", "2026-01-01 10:11", 5min));
    CHECK(lines == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:05:00Z end a", "2026-01-01T10:05:00Z fire a",
                         "2026-01-01T10:10:00Z end a", "2026-01-01T10:10:00Z fire a"});
}

TEST_CASE("jobs that are due together come in one order, always") {
    const auto lines = lines_of(simulation_of({job_of("a", "0 0 * * *"), job_of("b", "0 0 * * *"), job_of("c", "0 0 * * *")},
                                              "2026-01-01", "2026-01-03", 1h));
    CHECK(lines == Lines{"2026-01-01T00:00:00Z fire a", "2026-01-01T00:00:00Z fire b", "2026-01-01T00:00:00Z fire c",
                         "2026-01-01T01:00:00Z end a", "2026-01-01T01:00:00Z end b", "2026-01-01T01:00:00Z end c",
                         "2026-01-02T00:00:00Z fire a", "2026-01-02T00:00:00Z fire b", "2026-01-02T00:00:00Z fire c",
                         "2026-01-02T01:00:00Z end a", "2026-01-02T01:00:00Z end b", "2026-01-02T01:00:00Z end c"});
}

TEST_CASE("a simulation makes up nothing and knows no boot") {
    CHECK(lines_of(simulation_of({job_of("a", "0 3 * * *"), job_of("b", "@reboot")}, "2026-01-01 03:01", "2026-01-02 03:00")).empty());
}

TEST_CASE("a pause that goes on at the beginning counts, and its instants get one row when it is over") {
    auto simulation = simulation_of({job_of("a", "0,30 * * * *"), job_of("b", "0 * * * *")}, "2026-01-01 10:00", "2026-01-01 12:00");
    Pause pause;
    pause.job = "a";
    pause.since = at("2026-01-01 08:45");
    pause.until = at("2026-01-01 11:00");
    auto endless = pause;
    endless.job = "b";
    endless.until.reset();
    simulation.pauses = {pause, endless};
    CHECK(lines_of(simulation) == Lines{"2026-01-01T11:00:00Z skip a", "2026-01-01T11:00:00Z fire a", "2026-01-01T11:01:00Z end a",
                                        "2026-01-01T11:30:00Z fire a", "2026-01-01T11:31:00Z end a"});
}

TEST_CASE("what a schedule has started already counts towards its count") {
    auto job = job_of("a", "0 * * * *");
    job.schedule->count = 3;
    auto simulation = simulation_of({job}, "2026-01-01 10:00", "2026-01-02 00:00", 0ms);
    CHECK(lines_of(simulation).size() == 6);
    simulation.spent = {2};
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:00:00Z end a"});
}

namespace {

Job follower(std::string name, std::vector<After> after) {
    Job job;
    job.name = std::move(name);
    job.policy->after = std::move(after);
    job.targets->nodes = {"a"};
    return job;
}

} // namespace

TEST_CASE("a job follows those that it follows once their runs have ended, and is followed in turn") {
    using When = After::When;
    auto simulation = simulation_of({job_of("a", "0 10 * * *"), job_of("b", "0 10 * * *"), follower("c", {{"a", When::success}, {"b", When::always}}),
                                     follower("d", {{"c", When::success}})},
                                    "2026-01-01", "2026-01-02");
    simulation.lengths[1] = 5min;
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:00:00Z fire b", "2026-01-01T10:01:00Z end a",
                                        "2026-01-01T10:05:00Z end b", "2026-01-01T10:05:00Z fire c", "2026-01-01T10:06:00Z end c",
                                        "2026-01-01T10:06:00Z fire d", "2026-01-01T10:07:00Z end d"});
}

TEST_CASE("all ends of an instant come before what follows them") {
    auto simulation = simulation_of({job_of("a", "0 10 * * *"), job_of("b", "0 10 * * *"), follower("c", {{"a", After::When::success}})},
                                    "2026-01-01", "2026-01-02");
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:00:00Z fire b", "2026-01-01T10:01:00Z end a",
                                        "2026-01-01T10:01:00Z end b", "2026-01-01T10:01:00Z fire c", "2026-01-01T10:02:00Z end c"});
}

TEST_CASE("a run is taken to end well, so what follows failures does not start, and is no success itself") {
    using When = After::When;
    const auto simulation = simulation_of({job_of("a", "0 10 * * *"), follower("b", {{"a", When::failure}}), follower("c", {{"b", When::success}}),
                                           follower("d", {{"b", When::always}})},
                                          "2026-01-01", "2026-01-02", 0ms);
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:00:00Z end a", "2026-01-01T10:00:00Z fire d",
                                        "2026-01-01T10:00:00Z end d"});
    // Without a target it is none, unless the job says so.
    auto simulated = simulation;
    const auto catalog = std::make_shared<Catalog>(*simulation.catalog);
    catalog->jobs[0].targets->nodes.clear();
    simulated.catalog = catalog;
    CHECK(lines_of(simulated)[2] == "2026-01-01T10:00:00Z fire b");
}

TEST_CASE("a run that is ended for the next one is followed as one that failed") {
    auto job = job_of("a", "0,10 10 * * *");
    job.policy->overlap = Overlap::cancel_other;
    auto simulation = simulation_of({job, follower("b", {{"a", After::When::failure}})}, "2026-01-01", "2026-01-02", 15min);
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:10:00Z end a", "2026-01-01T10:10:00Z fire a",
                                        "2026-01-01T10:10:00Z fire b", "2026-01-01T10:25:00Z end a", "2026-01-01T10:25:00Z end b"});
}

TEST_CASE("a follower that is paused, or still runs, is passed over and says why") {
    auto simulation = simulation_of({job_of("a", "0,10 10 * * *"), follower("b", {{"a", After::When::success}}), follower("c", {{"a", After::When::success}})},
                                    "2026-01-01", "2026-01-02");
    simulation.lengths[2] = 15min;
    Pause pause;
    pause.job = "b";
    pause.since = at("2025-12-31");
    simulation.pauses = {pause};
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:01:00Z end a", "2026-01-01T10:01:00Z skip b",
                                        "2026-01-01T10:01:00Z fire c", "2026-01-01T10:10:00Z fire a", "2026-01-01T10:11:00Z end a",
                                        "2026-01-01T10:11:00Z skip b", "2026-01-01T10:11:00Z skip c", "2026-01-01T10:16:00Z end c"});
}

TEST_CASE("a job without a target runs for no time") {
    auto simulation = simulation_of({job_of("a", "0 * * * *")}, "2026-01-01 10:00", "2026-01-01 12:00", 0ms);
    CHECK(lines_of(simulation) == Lines{"2026-01-01T10:00:00Z fire a", "2026-01-01T10:00:00Z end a",
                                        "2026-01-01T11:00:00Z fire a", "2026-01-01T11:00:00Z end a"});
}

TEST_CASE("clock changes are told before the instants that they touch") {
    auto job = job_of("a", "30 2 * * *", "Europe/Berlin");
    CHECK(lines_of(simulation_of({job}, "2027-03-28", "2027-03-29", 0ms)) ==
          Lines{"2027-03-28T01:00:00Z clocks a: 02:30 does not exist on 2027-03-28 in Europe/Berlin: runs at 03:00",
                "2027-03-28T01:00:00Z fire a", "2027-03-28T01:00:00Z end a"});
    CHECK(lines_of(simulation_of({job}, "2027-10-30 12:00", "2027-10-31 12:00", 0ms)) ==
          Lines{"2027-10-31T00:00:00Z clocks a: 02:30 comes twice on 2027-10-31 in Europe/Berlin: runs the first time only",
                "2027-10-31T00:30:00Z fire a", "2027-10-31T00:30:00Z end a"});
}

TEST_CASE("a forecast sums up jobs, peaks and hours") {
    auto first = job_of("a", "0,30 * * * *");
    first.policy->fan_out.parallel = 2;
    auto second = job_of("b", "0 11 * * *", "Europe/Berlin");
    const auto simulation = simulation_of({first, second}, "2026-01-01 10:00", "2026-01-01 12:00", 40min);
    Forecast forecast(simulation, find_zone("Europe/Berlin").value());
    simulate(simulation, forecast);

    REQUIRE(forecast.jobs().size() == 2);
    CHECK(forecast.jobs()[0].runs == 2);
    CHECK(forecast.jobs()[0].skipped == 2);
    CHECK(forecast.jobs()[0].first == at("2026-01-01 10:00"));
    CHECK(forecast.jobs()[0].last == at("2026-01-01 11:00"));
    CHECK(forecast.jobs()[1].runs == 1);
    CHECK(forecast.total().runs == 3);
    CHECK(forecast.node_runs() == 9);
    CHECK(forecast.busiest_minute().count == 2);
    CHECK(forecast.busiest_minute().at == at("2026-01-01 10:00"));
    CHECK(forecast.most_runs().count == 2);
    CHECK(forecast.most_nodes().count == 5);
    CHECK(forecast.first_day() == local_days(2026y / 1 / 1));
    REQUIRE(forecast.hours().size() == 24);
    CHECK(forecast.hours()[11].runs == 2);
    CHECK(forecast.hours()[11].node_runs == 6);
    CHECK(forecast.hours()[12].runs == 1);
    CHECK(forecast.hours()[10].runs == 0);
}

TEST_CASE("hours that clocks show over midnight again stay within the forecast") {
    // In St. John's the clocks went back at 00:01 on 2010-11-07, to 23:01 of the day before.
    const auto simulation = simulation_of({job_of("a", "* * * * *")}, "2010-11-07 02:30:30", "2010-11-07 02:45", 1s);
    Forecast forecast(simulation, find_zone("America/St_Johns").value());
    simulate(simulation, forecast);
    CHECK(forecast.total().runs == 14);
    CHECK(forecast.node_runs() == 42);
}

TEST_CASE("a simulation agrees with a daemon that looks at the clock again and again") {
    const auto seed = tests::fresh_seed();
    INFO("LOOM_SEED=" << seed);
    std::mt19937 random(seed);
    const auto one_of = [&](std::initializer_list<const char*> words) { return *(words.begin() + random() % words.size()); };
    for (int round = 0; round < 20; ++round) {
        std::vector<Job> jobs;
        const auto count = 1 + random() % 12;
        for (std::size_t i = 0; i < count; ++i) {
            auto job = job_of(fmt::format("job{:02}", i),
                              one_of({"* * * * *", "*/5 * * * *", "H * * * *", "15,45 * * * *", "30 2 * * *", "@every 90s",
                                      "0-20 1-3 * * *", "H/7 2 * * sun", "*/20 * * * * *"}),
                              one_of({"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}));
            job.policy->overlap = random() % 3 ? Overlap::skip : Overlap::allow;
            job.schedule->gap = random() % 2 ? Gap::skip : Gap::run_after;
            job.schedule->fold = static_cast<Fold>(random() % 3);
            if (random() % 3 == 0) job.schedule->splay = seconds(1 + random() % 600);
            jobs.push_back(std::move(job));
        }
        auto simulation = simulation_of(std::move(jobs), "2027-03-28 00:00", "2027-03-28 06:00");
        if (random() % 2) {
            simulation.from += 217 * 24h; // the clocks go back
            simulation.to += 217 * 24h;
        }
        for (auto& length : simulation.lengths) length = seconds(random() % 1200);

        struct Running {
            std::string job;
            Instant until;
        };
        std::vector<Running> running;
        Lines expected;
        Planner planner(
            [&](const std::string& job) { return std::ranges::any_of(running, [&](const Running& run) { return run.job == job; }); }, "");
        planner.activate(simulation.catalog, {}, simulation.from - 1ms);
        auto look = simulation.from;
        for (auto now = look; now < simulation.to;) {
            std::erase_if(running, [&](const Running& run) { return run.until <= now; });
            for (const auto& [job, decision] : planner.due(now)) {
                expected.push_back(fmt::format("{} {} {}", to_rfc3339(now), word(decision.kind), job->name));
                const auto place = static_cast<std::size_t>(job - simulation.catalog->jobs.data());
                if (decision.kind == Decision::Kind::fire) running.push_back({job->name, now + simulation.lengths[place]});
            }
            if (now == look) look += 1s;
            now = std::min(look, planner.next_wake().value_or(look));
        }
        auto lines = lines_of(simulation);
        std::erase_if(lines, [](const auto& line) {
            return line.find(" end ") != line.npos || line.find(" clocks ") != line.npos;
        });
        CHECK(lines == expected);
    }
}

} // namespace loom
