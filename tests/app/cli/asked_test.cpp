#include "fake_service.hpp"
#include "support/catch.hpp"

using namespace loom;

TEST_CASE("a job that a webhook starts is not called manual") {
    CliBench loom;
    JobView job;
    job.name = "deploy";
    job.status = "active";
    job.hooks = "deploy";
    loom.script.jobs.items = {job};
    CHECK(loom({"jobs"}) == 0);
    CHECK(holds(loom.out.str(), "hook deploy"));
    CHECK(loom({"jobs", "show", "deploy"}) == 0);
    CHECK(holds(loom.out.str(), "hooks:       deploy\nschedule:    none\n"));
}

TEST_CASE("hooks and notifications are asked of whoever answers") {
    CliBench loom;
    loom.in.str("{\"ref\": 1}");
    loom.script.hook_test.hook = "deploy";
    loom.script.hook_test.message = "payload /ref is 1";
    loom.script.hook_test.left_out = true;
    CHECK(loom({"hook", "test", "deploy", "--payload", "-", "--header", "X-Event: push"}) == 1);
    CHECK(holds(loom.out.str(), "left out: payload /ref is 1"));
    CHECK(loom.script.hook_tested.body_base64 == "eyJyZWYiOiAxfQ==");
    CHECK(loom.script.hook_tested.headers == std::vector<std::string>{"X-Event: push"});
    CHECK(loom.err.str().empty());
    loom.script.hook_test.starts = true;
    loom.script.hook_test.work = {{"task", "fabric.api.run"}, {"args", {"x"}}, {"kwargs", boost::json::object()}, {"env", {{"A", "1"}}}};
    CHECK(loom({"hook", "test", "deploy"}) == 0);
    CHECK(holds(loom.out.str(), "task:     fabric.api.run\nargs:     [\"x\"]\nkwargs:   {}\nenv:      A=1\n"));
    loom.remote = true;
    CHECK(loom({"hook", "test", "deploy", "--sign"}) == 2);
    CHECK(loom({"notify", "test", "ops", "--event", "recovery", "--job", "backup"}) == 0);
    CHECK(loom.script.notify_tested.event == "recovery");
    CHECK(loom.script.notify_tested.job == "backup");
    CHECK(loom({"notify", "list"}) == 0);
    CHECK(loom({"hook", "list"}) == 0);
}

TEST_CASE("a reload says what it has changed") {
    CliBench loom;
    loom.script.catalog.nodes = 5;
    CHECK(loom({"reload"}) == 0);
    CHECK(loom.err.str() == "Reloaded: 5 nodes, 0 jobs.\nNothing has changed since the daemon began.\n");
    loom.err.str("");
    auto& diff = loom.script.diff;
    diff.at = "2026-01-31T08:05:00Z";
    diff.by = "changed files";
    for (int i = 1; i <= 12; ++i) diff.jobs.added.push_back("j" + std::to_string(i));
    diff.jobs.removed = {"old"};
    diff.nodes.changed = "web[1-3]";
    CHECK(loom({"reload"}) == 0);
    CHECK(loom.err.str() == "Reloaded: 5 nodes, 0 jobs.\nLast changed 2026-01-31T08:05:00Z, by changed files:\n"
                            "  jobs:  12 added (j1, j2, j3, j4, j5, j6, j7, j8, j9, j10, and 2 more), 1 removed (old)\n"
                            "  nodes: 3 changed (web[1-3])\n");
    CHECK(loom({"reload", "-o", "json"}) == 0);
    CHECK(boost::json::parse(loom.out.str()).at("diff").at("nodes").at("changed") == "web[1-3]");
}

TEST_CASE("a reload tells the warnings that are new, and each time what does not run") {
    CliBench loom;
    ProblemView manual, quarantined, fresh, own;
    manual.kind = fresh.kind = "warning";
    quarantined.kind = "quarantined";
    manual.job = "a";
    quarantined.job = "b";
    fresh.job = "c";
    manual.message = fresh.message = "no schedule: manual only";
    quarantined.message = "missing key \"task\"";
    manual.place = "jobs/a.yaml:2:3";
    quarantined.place = "jobs/b.yaml:2:3";
    fresh.place = "jobs/c.yaml:2:3";
    own.kind = "warning";
    own.place = "loom.yaml";
    own.message = "ssh.keep counts from the next start of the daemon";
    loom.script.catalog.problems = {manual, quarantined, own};
    loom.script.reloaded = loom.script.catalog;
    loom.script.reloaded->problems = {manual, quarantined, own, fresh};
    loom.script.reloaded->problems[0].place = "jobs/a.yaml:9:3";
    CHECK(loom({"reload"}) == 0);
    CHECK(loom.err.str().starts_with("jobs/b.yaml:2:3: quarantined: b: missing key \"task\"\n"
                                     "loom.yaml: warning: ssh.keep counts from the next start of the daemon\n"
                                     "jobs/c.yaml:2:3: warning: c: no schedule: manual only\n"
                                     "1 warning as before: loom check\nReloaded: "));
}
