#include "app/metrics/families.hpp"

#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

#include <prometheus/text_serializer.h>
#include <set>

using namespace loom;
using namespace loom::tests;

namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string page_of(const Catalog& catalog, const Measured& measured) {
    return prometheus::TextSerializer().Serialize(metric_families(catalog, measured));
}

CatalogPtr catalog() { return build_catalog(catalog_texts("jobs:\n  backup: {command: 'true', targets: web1}\n  broken: {command: 'true', targets: web1, shedule: x}\n")).value(); }

} // namespace

TEST_CASE("what was measured is what Prometheus reads") {
    RunMeasures runs;
    JournalMeasures journal;
    const Instant at(std::chrono::seconds(1000));
    runs.count_end("backup", RunState::failed, at - std::chrono::seconds(2), at);
    runs.count_end("backup", RunState::timed_out, at, at + std::chrono::seconds(70));
    runs.count_end("gone", RunState::ok, at, at);
    runs.count_end("", RunState::ok, at, at);
    runs.targets[static_cast<std::size_t>(NodeState::unreachable)][static_cast<std::size_t>(Cause::refused)] = 3;
    runs.connects[static_cast<std::size_t>(Cause::auth)] = 2;
    runs.schedule_lag.observe(Milliseconds(40));
    journal.commits = 5;
    Measured measured;
    measured.engine.runs = &runs;
    measured.engine.journal = &journal;
    measured.engine.waiting = 2;
    measured.hooks[{"deploy", "started"}] = 7;
    const auto page = page_of(*catalog(), measured);
    for (const std::string line : {"loom_runs_total{state=\"failed\"} 1\n", "loom_runs_total{state=\"ok\"} 2\n", "loom_runs_total{state=\"missed\"} 0\n",
                                   "loom_run_duration_seconds_bucket{le=\"5\"} 3\n", "loom_run_duration_seconds_bucket{le=\"+Inf\"} 4\n",
                                   "loom_run_duration_seconds_sum 72\n", "loom_run_duration_seconds_count 4\n",
                                   "loom_targets_total{state=\"unreachable\",cause=\"refused\"} 3\n", "loom_targets_total{state=\"ok\",cause=\"\"} 0\n",
                                   "loom_connects_total{result=\"auth\"} 2\n", "loom_schedule_lag_seconds_bucket{le=\"0.05\"} 1\n",
                                   "loom_schedule_lag_seconds_bucket{le=\"0.01\"} 0\n", "loom_store_commits_total 5\n",
                                   "loom_runs_in_flight{state=\"waiting\"} 2\n", "loom_config_problems{kind=\"quarantined\"} 1\n",
                                   "loom_job_failures_in_a_row{job=\"backup\"} 2\n", "loom_job_last_end_timestamp_seconds{job=\"backup\"} 1070\n",
                                   "loom_job_last_duration_seconds{job=\"backup\"} 70\n", "loom_hook_deliveries_total{hook=\"deploy\",outcome=\"started\"} 7\n"}) {
        INFO(line);
        CHECK(holds(page, line));
    }
    CHECK_FALSE(holds(page, "gone")); // it is configured no more
    CHECK_FALSE(holds(page, "loom_job_last_success_timestamp_seconds{"));
}

TEST_CASE("a value on a bound is below it") {
    constexpr double bounds[] = {0.5, 1};
    Histogram histogram(bounds);
    for (const auto value : {0, 500, 501, 1000, 5000}) histogram.observe(Milliseconds(value));
    CHECK(histogram.view().counts == std::vector<std::uint64_t>{2, 2, 1});
    CHECK(histogram.view().sum == 7.001);
}

TEST_CASE("a success ends the failures in a row, a cancelled and a skipped run do not") {
    RunMeasures runs;
    const Instant at(std::chrono::seconds(1000));
    const auto failures = [&](RunState state) {
        runs.count_end("a", state, at, at);
        return runs.jobs().at("a").failures;
    };
    CHECK(failures(RunState::failed) == 1);
    CHECK(failures(RunState::skipped) == 1);
    CHECK(failures(RunState::cancelled) == 1);
    CHECK(failures(RunState::missed) == 2);
    CHECK(failures(RunState::ok) == 0);
}

TEST_CASE("the jobs that have series of their own are bounded") {
    RunMeasures runs;
    const Instant at(std::chrono::seconds(1000));
    for (std::size_t i = 0; i < limits::measured_jobs + 10; ++i) runs.count_end("job-" + std::to_string(i), RunState::ok, at, at);
    CHECK(runs.jobs().size() == limits::measured_jobs);
    CHECK(runs.jobs_left_out() == 10);
    runs.count_end("job-0", RunState::ok, at, at);
    CHECK(runs.jobs_left_out() == 10);
}

TEST_CASE("each metric is there once, with a unit and no label of a node") {
    RunMeasures runs;
    JournalMeasures journal;
    Measured measured;
    measured.engine.runs = &runs;
    measured.engine.journal = &journal;
    std::set<std::string> names;
    for (const auto& family : metric_families(*catalog(), measured)) {
        CHECK(names.insert(family.name).second);
        CHECK_FALSE(family.help.empty());
        CHECK((family.name.starts_with("loom_") || family.name.starts_with("process_")));
        CHECK(family.name.ends_with("_total") == (family.type == prometheus::MetricType::Counter));
        for (const auto& metric : family.metric)
            for (const auto& label : metric.label) CHECK(label.name != "node");
    }
    CHECK(names.size() > 25);
}

TEST_CASE("this process is measured") {
    const auto seen = measure_process();
    CHECK(seen.resident_bytes > 1e6);
    CHECK(seen.open_fds >= 3);
    CHECK(seen.max_fds >= seen.open_fds);
    CHECK(seen.start_seconds > 1.6e9);
}
