#include "core/base/limits.hpp"
#include "core/run/backfill.hpp"
#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

Instant at(std::string_view text) { return parse_instant(text).value(); }

BackfillQuery query(std::string from, std::string to) {
    BackfillQuery asked;
    asked.job = "j";
    asked.from = std::move(from);
    asked.to = std::move(to);
    return asked;
}

CatalogPtr catalog() {
    return build_catalog(catalog_texts("jobs:\n  j: {command: x, targets: web1, schedule: {cron: '0 * * * *', tz: UTC}}\n"
                                       "  east: {command: x, targets: web1, schedule: {cron: '0 6 * * *', tz: Asia/Tokyo}}\n"
                                       "  manual: {command: x, targets: web1}\n"))
        .value();
}

Result<BackfillList> list(const BackfillQuery& asked, const std::vector<DueRun>& runs = {}) {
    const auto known = catalog();
    const auto span = backfill_span(*known, asked, at("2026-02-01"));
    if (!span) return span.error();
    return list_backfill(asked, *span, runs);
}

std::string text(const BackfillList& list) {
    std::string lines;
    for (const auto& item : list.items) lines += item.due + (item.runs ? "" : " " + item.why) + "\n";
    return lines;
}

} // namespace

TEST_CASE("a backfill takes the instants from the first on, and not the last") {
    CHECK(text(list(query("2026-01-31T08:00:00Z", "2026-01-31T10:00:00Z")).value()) ==
          "2026-01-31T08:00:00Z\n2026-01-31T09:00:00Z\n");
    CHECK(list(query("2026-01-31T08:00:01Z", "2026-01-31T08:59:00Z")).value().items.empty());
}

TEST_CASE("a backfill's times are those of the job's clocks, unless they say otherwise") {
    auto asked = query("2026-01-30", "2026-01-31");
    asked.job = "east";
    CHECK(text(list(asked).value()) == "2026-01-29T21:00:00Z\n"); // 06:00 of the 30th in Tokyo
    asked.from = "2026-01-30T00:00:00Z";
    asked.to = "2026-01-31T06:00+09:00";
    CHECK(list(asked).value().items.empty());
    asked.to = "2026-01-31T06:01";
    CHECK(text(list(asked).value()) == "2026-01-30T21:00:00Z\n");
}

TEST_CASE("an instant that ran is left alone unless it is wanted again; one that was missed is made up") {
    auto asked = query("2026-01-31T08:00:00Z", "2026-01-31T11:00:00Z");
    const std::vector<DueRun> runs{{at("2026-01-31T08:00:00Z"), "r1", RunState::failed},
                                   {at("2026-01-31T09:00:00Z"), "r2", RunState::missed},
                                   {at("2026-01-31T10:00:00Z"), "r3", RunState::skipped},
                                   {at("2026-01-31T10:00:00Z"), "r4", RunState::running}};
    CHECK(text(list(asked, runs).value()) == "2026-01-31T08:00:00Z failed in run r1\n2026-01-31T09:00:00Z\n"
                                             "2026-01-31T10:00:00Z running in run r4\n");
    asked.again = true;
    CHECK(text(list(asked, runs).value()) == "2026-01-31T08:00:00Z\n2026-01-31T09:00:00Z\n2026-01-31T10:00:00Z\n");
}

TEST_CASE("a backfill says what is wrong with the request") {
    const auto fault = [](const BackfillQuery& asked) { return list(asked).error().message; };
    CHECK(fault(query("yesterday", "2026-01-31")).starts_with("--from: "));
    CHECK(fault(query("2026-01-31", "today")).starts_with("--to: "));
    CHECK(fault(query("2026-01-31", "2026-01-31")) == "--to: 2026-01-31 is not after --from 2026-01-31");
    CHECK(fault(query("2026-01-31", "2026-02-02")) == "--to: 2026-02-02 is still to come; its schedule will run that");
    auto asked = query("2026-01-01", "2026-01-31");
    CHECK(fault(asked) == "more than 100 instants to run; --max takes a greater number");
    asked.max = 720;
    CHECK(list(asked)->items.size() == 720);
    asked.job = "manual";
    CHECK(fault(asked) == "job \"manual\" has no schedule: it has no instants to make up");
    asked.job = "jj";
    CHECK(list(asked).error().code == Errc::not_found);
}

TEST_CASE("a run of a backfill stands for its instant and claims nothing") {
    EngineRig rig("  j: {command: 'echo {{ run.due }}', targets: n01, schedule: {cron: '0 * * * *', tz: UTC}}\n");
    const auto asked = query("2026-01-31T05:00:00Z", "2026-01-31T07:00:00Z");
    CHECK(rig.wait(rig.engine->plan_backfill(asked)).value().items.size() == 2);
    StartJob request;
    request.job = "j";
    request.due = "2026-01-31T05:00:00Z";
    const auto run = rig.end(rig.wait(rig.engine->start_job(Caller("user:anna"), request)).value());
    CHECK(run.reason == "backfill");
    CHECK(run.due == "2026-01-31T05:00:00Z");
    CHECK_FALSE(rig.store.run(run.id).value().claim);
    const auto left = rig.wait(rig.engine->plan_backfill(asked)).value();
    CHECK_FALSE(left.items[0].runs);
    CHECK(left.items[0].why == "ok in run " + run.id);
    CHECK(left.items[1].runs);
    CHECK_FALSE(rig.store.facts().value().at("j").last_due); // the schedule's own memory is untouched
    rig.fleet.nodes["n01"].exits = {0, 1, 0};
    request.due = "2026-01-31T06:00:00Z";
    const auto failed = rig.end(rig.wait(rig.engine->start_job(Caller("user:anna"), request)).value());
    CHECK(rig.end(rig.retry(failed.id).value()).due == failed.due); // `{{ run.due }}` stays what it was
    request.due = "soon";
    CHECK(rig.wait(rig.engine->start_job(Caller("user:anna"), request)).error().code == Errc::usage);
}
