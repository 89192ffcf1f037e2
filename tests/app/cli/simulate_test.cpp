#include "app/cli/output/heat_map.hpp"
#include "fake_service.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <fstream>
#include <iterator>

namespace loom {
namespace {

Job job_of(std::string name, std::string_view schedule) {
    Job job;
    job.name = std::move(name);
    job.schedule.emplace();
    job.schedule->text = schedule;
    job.schedule->cron = parse_cron(schedule, job.name).value();
    job.schedule->zone = find_zone("Europe/Berlin").value();
    job.targets->nodes = {"a", "b"};
    return job;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("a few simulated runs are all told") {
    CliBench loom;
    loom.catalog.jobs = {job_of("backup", "30 2 * * *")};
    CHECK(loom({"simulate", "--from", "2027-03-27", "--days", "2"}) == 0);
    CHECK(loom.out.str() ==
          "From 2027-03-27 00:00 to 2027-03-29 00:00 in Europe/Berlin; nothing is started.\n"
          "\n"
          "DUE               JOB     WHAT\n"
          "2027-03-27 02:30  backup  run     on 2 nodes, 1m00s\n"
          "2027-03-28 03:00  backup  clocks  02:30 does not exist: runs at 03:00\n"
          "2027-03-28 03:00  backup  run     on 2 nodes, 1m00s\n"
          "\n"
          "JOB     RUNS  SKIPPED  CLOCKS  FIRST             LAST              NODES  TAKES\n"
          "backup     2        0       1  2027-03-27 02:30  2027-03-28 03:00      2  ~1m00s\n"
          "\n"
          "load:           2 runs, 4 node-runs\n"
          "busiest minute: 1 run begins, 2027-03-27 02:30\n"
          "runs at once:   1 run, 2027-03-27 02:30\n"
          "nodes at once:  2 nodes, 2027-03-27 02:30\n");
    CHECK(holds(loom.err.str(), "--duration"));
}

TEST_CASE("of many simulated runs only what is out of the ordinary is told") {
    CliBench loom;
    loom.catalog.jobs = {job_of("backup", "30 2 * * *")};
    CHECK(loom({"simulate", "--year", "2027"}) == 0);
    CHECK(holds(loom.out.str(), "02:30 comes twice: runs the first time only\n"));
    CHECK_FALSE(holds(loom.out.str(), "on 2 nodes"));
    CHECK(holds(loom.out.str(), "backup   365 "));
    CliBench summary;
    summary.catalog.jobs = loom.catalog.jobs;
    CHECK(summary({"simulate", "--year", "2027", "--summary"}) == 0);
    CHECK_FALSE(holds(summary.out.str(), "comes twice"));
    CHECK(holds(summary.out.str(), "backup   365 "));
}

TEST_CASE("a job's runs are taken to last as they did, and overlap accordingly") {
    CliBench loom;
    loom.catalog.jobs = {job_of("sync", "0 * * * *")};
    JobView view;
    view.name = "sync";
    view.last_run = "01a2";
    loom.script.jobs.items = {view};
    for (const auto* finished : {"2026-01-01T11:05:00Z", "2026-01-01T11:10:00Z", "2026-01-01T18:00:00Z"}) {
        RunView run;
        run.state = "ok";
        run.started = "2026-01-01T10:00:00Z";
        run.finished = finished;
        loom.script.runs.items.push_back(run);
    }
    CHECK(loom({"simulate", "sync", "--from", "2026-01-31", "--days", "1", "-o", "json"}) == 0);
    const auto whole = boost::json::parse(loom.out.str());
    CHECK(whole.at("items").as_array().size() == 24);
    const auto& job = whole.at("summary").at("jobs").at(0);
    CHECK(job.at("takes_ms") == 70 * 60 * 1000);
    CHECK(job.at("assumed") == false);
    CHECK(job.at("runs") == 12);
    CHECK(job.at("skipped") == 12);
    CHECK(loom.script.runs_query.job == "sync");
}

TEST_CASE("a pause and a count that is spent in part count, and that is said, unless the simulation is to begin fresh") {
    const auto simulate = [](std::vector<std::string> more) {
        CliBench loom;
        loom.catalog.jobs = {job_of("backup", "0 2 * * *"), job_of("sync", "0 * * * *")};
        loom.catalog.jobs[1].schedule->count = 4;
        JobView backup, sync;
        backup.name = "backup";
        backup.pause = PauseView{"", "the disk is full", "user:anna", "2026-01-31T08:04:59.500Z", "2026-02-02T12:00:00Z"};
        sync.name = "sync";
        sync.spent = 3;
        loom.script.jobs.items = {backup, sync};
        std::vector<std::string> words{"simulate", "--summary", "--days", "3"};
        words.insert(words.end(), more.begin(), more.end());
        CHECK(loom(words) == 0);
        return std::pair(loom.out.str(), loom.err.str());
    };
    const auto [out, err] = simulate({});
    CHECK(holds(out, "backup     1        1 ")); // one row for all that fell into the pause
    CHECK(holds(out, "sync       1        0 "));
    CHECK(holds(err, "paused, which counts unless --fresh is given: backup\n"));
    CHECK(holds(err, "runs of `count` that were started before count too, unless --fresh is given: sync\n"));
    const auto [fresh, nothing] = simulate({"--fresh"});
    CHECK(holds(fresh, "backup     3        0 "));
    CHECK(holds(fresh, "sync       4        0 "));
    CHECK_FALSE(holds(nothing, "--fresh"));
    const auto [before, none] = simulate({"--from", "2026-01-01"}); // it began later
    CHECK(holds(before, "backup     3        0 "));
    CHECK(holds(before, "sync       4        0 "));
    const auto [json, silent] = simulate({"-o", "json"});
    const auto jobs = boost::json::parse(json).at("summary").at("jobs");
    CHECK(jobs.at(0).at("paused") == true);
    CHECK(jobs.at(1).at("spent") == 3);
}

TEST_CASE("a named job is simulated with those that it follows") {
    CliBench loom;
    Job report;
    report.name = "report";
    report.policy->after = {{"backup", After::When::success}};
    report.targets->nodes = {"a"};
    loom.catalog.jobs = {job_of("backup", "0 2 * * *"), report, job_of("sync", "0 * * * *")};
    CHECK(loom({"simulate", "report", "--from", "2026-01-31", "--days", "1"}) == 0);
    CHECK(holds(loom.out.str(), "2026-01-31 02:00  backup  run   on 2 nodes, 1m00s\n"));
    CHECK(holds(loom.out.str(), "2026-01-31 02:01  report  run   on 1 node, 1m00s, after backup\n"));
    CHECK_FALSE(holds(loom.out.str(), "sync"));
}

TEST_CASE("that overlap of single nodes is not foretold is said") {
    CliBench loom;
    loom.catalog.jobs = {job_of("sync", "0 * * * *")};
    loom.catalog.jobs[0].policy->overlap_scope = OverlapScope::node;
    CHECK(loom({"simulate", "--days", "1", "--duration", "2h"}) == 0);
    CHECK(holds(loom.out.str(), "sync    24        0 "));
    CHECK(holds(loom.err.str(), "overlap of each node is not foretold, every run begins: sync\n"));
}

TEST_CASE("where the ledger cannot be read a simulation assumes, and says so") {
    CliBench loom;
    loom.catalog.jobs = {job_of("sync", "0 * * * *")};
    loom.script.error = Error{Errc::unavailable, "the disk is gone"};
    CHECK(loom({"simulate", "--from", "2026-01-31", "--days", "1", "--summary", "--duration", "61m"}) == 0);
    CHECK(holds(loom.out.str(), "sync    12       12 "));
    CHECK(holds(loom.err.str(), "every run is taken to last 1h01m: the disk is gone"));
}

TEST_CASE("what simulate cannot take is named") {
    CliBench loom;
    loom.catalog.jobs = {job_of("backup", "30 2 * * *")};
    CHECK(loom({"simulate", "bakcup"}) == 5);
    CHECK(holds(loom.err.str(), "there is no job \"bakcup\" (did you mean \"backup\"?)"));
    for (const auto& [flag, value] : std::vector<std::pair<std::string, std::string>>{
             {"--from", "noon"}, {"--tz", "Mars"}, {"--duration", "long"}, {"--days", "0"}}) {
        CliBench bad;
        bad.catalog.jobs = loom.catalog.jobs;
        CHECK(bad({"simulate", flag, value}) == 2);
        CHECK(holds(bad.err.str(), flag + ": "));
    }
    CliBench both;
    CHECK(both({"simulate", "--year", "2027", "--days", "2"}) == 2);
}

TEST_CASE("a heat map is a picture with a title, hours, days, steps and a word for each cell") {
    tests::Folder folder;
    const auto path = folder.path("load.svg");
    CliBench loom;
    loom.catalog.jobs = {job_of("backup", "30 2 * * *"), job_of("sync", "0 * * * *")};
    CHECK(loom({"simulate", "--from", "2026-01-31", "--days", "2", "--summary", "--heat-map", path}) == 0);
    const auto picture = text_of(path);
    CHECK(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    CHECK(picture.ends_with("</svg>\n"));
    CHECK(holds(picture, "<title>Predicted load from 2026-01-31 to 2026-02-01 in Europe/Berlin</title>"));
    CHECK(holds(picture, "50 runs, 100 node-runs"));
    CHECK(holds(picture, "<title>Sat 2026-01-31 02:00: 2 runs, 4 node-runs</title>"));
    CHECK(holds(picture, ">21:00</text>"));
    CHECK(holds(picture, ">Sun 1</text>"));
    CHECK(holds(picture, "prefers-color-scheme:dark"));
    CliBench nowhere;
    nowhere.catalog.jobs = loom.catalog.jobs;
    CHECK(nowhere({"simulate", "--heat-map", folder.path("missing/load.svg")}) == 3);
    CHECK(holds(nowhere.err.str(), "--heat-map: "));
}

TEST_CASE("a heat map of very many days stays narrow") {
    const auto catalog = std::make_shared<Catalog>();
    catalog->jobs = {job_of("backup", "30 2 * * *")};
    Simulation simulation;
    simulation.catalog = catalog;
    simulation.from = parse_instant("2026-01-01").value();
    simulation.to = simulation.from + std::chrono::days(3650);
    simulation.lengths = {std::chrono::minutes(1)};
    Forecast forecast(simulation, utc_zone());
    simulate(simulation, forecast);
    const auto picture = heat_map(forecast);
    CHECK(holds(picture, "2026-01-01 to 2026-01-10 "));
    CHECK(holds(picture, "on average"));
    CHECK(picture.size() < 100'000);
}

} // namespace loom
