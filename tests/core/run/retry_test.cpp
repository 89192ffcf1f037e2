#include "core/run/engine_rig.hpp"
#include "core/base/limits.hpp"
#include "core/run/retry.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

using Nodes = std::map<std::string, std::uint32_t>;
using Names = std::vector<std::string>;

std::string job(const std::string& keys = "on_empty: fail") { return "  j: {command: 'echo {{ run.id }}', targets: '@*', " + keys + "}\n"; }

Names targets(EngineRig& rig, const RunView& run) {
    Names names;
    for (const auto& result : rig.results(run)) names.push_back(result.node);
    return names;
}

} // namespace

TEST_CASE("a retry takes every node but those that succeeded, with what the run was told") {
    EngineRig rig(job("retry: {connect: 1}"));
    rig.fleet.nodes["n02"].exits = {1, 0};
    rig.fleet.nodes["n05"].refusals = {unreached(Cause::refused)};
    const auto first = rig.run("j");
    CHECK(first.counts == Nodes{{"ok", 8}, {"failed", 1}, {"unreachable", 1}});
    const auto second = rig.end(rig.retry(first.id).value());
    CHECK(second.reason == "retry");
    CHECK(second.of == first.id);
    CHECK(second.job == "j");
    CHECK(second.by == "user:anna");
    CHECK(second.task == first.task);
    CHECK(second.state == "ok");
    CHECK(targets(rig, second) == Names{"n02", "n05"});
    CHECK(rig.retry(second.id).error().code == Errc::conflict); // nothing is left
    CHECK(rig.retry(first.id, "unreachable").value().targets == 1);
}

TEST_CASE("a retry can be narrowed, and says what cannot be") {
    EngineRig rig(job("retry: {connect: 1}, overlap: allow"));
    for (const auto* name : {"n02", "n03", "n04"}) rig.fleet.nodes[name].exits = {1};
    const auto run = rig.run("j");
    CHECK(targets(rig, rig.end(rig.retry(run.id, {}, "n[03-09]").value())) == Names{"n03", "n04"});
    CHECK(rig.retry(run.id, "unreachable").error().message == "run " + run.id + " has no node to run again");
    CHECK(rig.retry(run.id, "faild").error().code == Errc::usage);
    CHECK(rig.retry(run.id, "running").error().code == Errc::usage);
    CHECK(rig.retry("00000000").error().code == Errc::not_found);
    rig.fleet.nodes["n02"].hold = true;
    const auto running = rig.start("j");
    CHECK(rig.retry(running.id).error().code == Errc::conflict);
    rig.fleet.open();
    rig.end(running);
}

TEST_CASE("the failed nodes of a run are a term of target expressions") {
    EngineRig rig(job());
    for (const auto* name : {"n02", "n03", "n04"}) rig.fleet.nodes[name].exits = {1, 0};
    const auto run = rig.run("j");
    StartExec request;
    request.targets = "@failed:last!n03";
    request.command = "id";
    const auto exec = rig.end(rig.wait(rig.engine->start_exec(Caller("user:anna"), request)).value());
    CHECK(targets(rig, exec) == Names{"n02", "n04"});
    CHECK(targets(rig, rig.end(rig.start("j", "@failed:" + run.id))) == Names{"n02", "n03", "n04"});
    request.targets = "@failed:00000000";
    CHECK(rig.wait(rig.engine->start_exec(Caller("user:anna"), request)).error().code == Errc::not_found);
}

TEST_CASE("a retry is limited to targets of its run, by another run's failures too") {
    EngineRig rig(job("overlap: allow") + "  few: {command: x, targets: 'n[02-03]'}\n");
    for (const auto* name : {"n02", "n03", "n04"}) rig.fleet.nodes[name].exits = {1};
    const auto all = rig.run("j"), few = rig.run("few");
    CHECK(targets(rig, rig.end(rig.retry(all.id, {}, "@failed:" + few.id).value())) == Names{"n02", "n03"});
    const auto stranger = rig.retry(few.id, {}, "n04");
    REQUIRE(stranger.has_error());
    CHECK(stranger.error() == Error{Errc::not_found, "--limit: \"n04\" is no target of the run (did you mean \"n02\"?)"});
    CHECK(rig.retry(few.id, {}, "@nosuch").error().code == Errc::not_found);

    StartExec exec;
    exec.targets = "old[1-2]"; // hosts that no catalog has
    exec.command = "id";
    exec.adhoc = true;
    for (const auto* name : {"old1", "old2"}) rig.fleet.nodes[name].exits = {1};
    const auto adhoc = rig.end(rig.wait(rig.engine->start_exec(Caller("user:anna"), exec)).value());
    CHECK(targets(rig, rig.end(rig.retry(adhoc.id, {}, "old2").value())) == Names{"old2"});
}

TEST_CASE("a plan says what an exec and a retry would do, and starts nothing") {
    EngineRig rig(job());
    rig.fleet.nodes["n02"].exits = {1};
    const auto run = rig.run("j");
    const auto dialled = rig.fleet.dialled().size();
    StartRetry again;
    again.id = "last";
    again.parallel_auto = true;
    const auto retried = rig.wait(rig.engine->plan_retry(again)).value();
    CHECK(retried.job == "j");
    CHECK(retried.targets == "n02");
    CHECK(retried.parallel == "auto");
    StartExec exec;
    exec.adhoc = true;
    exec.targets = "@failed:last,h1";
    exec.limit = "n[01-05]";
    exec.command = "id";
    const auto planned = rig.wait(rig.engine->plan_exec(exec)).value();
    CHECK(planned.targets == "n02");
    CHECK(planned.task == "id");
    CHECK(planned.count == 1);
    exec.task = "fabric.api.put";
    exec.command.clear();
    CHECK(rig.wait(rig.engine->plan_exec(exec)).error().code == Errc::usage); // its arguments are tried too
    CHECK(rig.fleet.dialled().size() == dialled);
}

TEST_CASE("what names nodes wrongly is named with its flag") {
    EngineRig rig(job());
    StartExec exec;
    exec.command = "id";
    exec.targets = "n01";
    exec.limit = "@frnt";
    const auto fault = [&] { return rig.wait(rig.engine->plan_exec(exec)).error(); };
    CHECK(fault() == Error{Errc::not_found, "--limit: column 1: unknown group @frnt in \"@frnt\""});
    exec.limit = "n02";
    CHECK(fault() == Error{Errc::usage, "--limit: n02 leaves none of the targets (n01)"});
    exec.targets = "n99";
    CHECK(fault().code == Errc::not_found);
    CHECK(fault().message.starts_with("TARGETS: unknown node \"n99\""));
}

TEST_CASE("a password for sudo counts for this run alone, and only where sudo is used") {
    EngineRig rig(job("become: {user: root}, overlap: allow") + "  plain: {command: x, targets: '@*'}\n");
    StartJob request;
    request.job = "plain";
    request.become_password = "secret";
    CHECK(rig.wait(rig.engine->start_job(Caller("user:anna"), request)).error().code == Errc::usage);
    request.job = "j";
    rig.fleet.nodes["n02"].exits = {1, 0};
    const auto run = rig.end(rig.wait(rig.engine->start_job(Caller("user:anna"), request)).value());
    CHECK(rig.store.spec(run.id).value().find("secret") == std::string::npos);
    StartRetry again;
    again.id = run.id;
    again.become_password = "secret";
    CHECK(rig.end(rig.wait(rig.engine->retry(Caller("user:anna"), again)).value()).state == "ok");
}

TEST_CASE("older runs are asked for by the beginning of an id") {
    EngineRig rig(job("overlap: allow"));
    const auto run = rig.run("j");
    RunsQuery query;
    query.before = run.id.substr(0, 30);
    CHECK(rig.wait(rig.engine->runs(query))->items.empty());
    query.before = "zzzz";
    CHECK(rig.wait(rig.engine->runs(query)).error().code == Errc::not_found);
}

TEST_CASE("what a run was told is kept whole") {
    const auto catalog = build_catalog(catalog_texts("jobs:\n  j: {command: x, targets: web1}\n")).value();
    RunPlan plan;
    plan.catalog = catalog;
    plan.task.name = "fabric.api.run";
    plan.task.args = {"a 'b'\n", 1, nullptr};
    plan.task.kwargs = {{"k", true}};
    plan.task.env = {{"A", "1"}};
    plan.task.cwd = "/srv";
    plan.task.input = std::make_shared<const std::string>("line\n\xff");
    plan.task.become.emplace();
    plan.task.become->user = "db";
    plan.task.pty = true;
    plan.task.end_with_link = true;
    boost::json::value deep = "\xff";
    for (std::size_t i = 0; i < limits::yaml_depth; ++i) deep = boost::json::array{std::move(deep)};
    plan.task.args.push_back(std::move(deep));
    plan.timeout.connect = GENERATE(std::optional<Milliseconds>(), Milliseconds(9));
    plan.timeout.idle = Milliseconds(7);
    plan.timeout.command = Milliseconds(0);
    plan.retry.connect = 9;
    plan.retry.on_exit = {75};
    plan.adhoc.resize(1);
    plan.adhoc[0].user = "anna";
    plan.adhoc[0].port = 2222;
    plan.adhoc[0].identity = "/k";
    Run run;
    run.id = "0198";
    run.state = RunState::failed;
    run.spec = freeze(plan);
    NodeResult result;
    result.node = "host9";
    const auto firing = firing_of(catalog, run, {result}, {}).value();
    CHECK(freeze(firing.plan) == run.spec);
    REQUIRE(firing.plan.nodes.size() == 1);
    CHECK(firing.plan.nodes[0]->address == "host9");
    CHECK(firing.plan.nodes[0]->port == 2222);
    CHECK(*firing.plan.task.input == *plan.task.input);
    plan.adhoc.clear(); // the nodes of a job are the catalog's, and so are those of an exec that dialled no others
    run.spec = freeze(plan);
    CHECK(firing_of(catalog, run, {result}, {}).error().code == Errc::not_found);
    run.spec.clear(); // a row of an older version
    CHECK(firing_of(catalog, run, {result}, {}).error().code == Errc::conflict);
}

TEST_CASE("a plan shows the waves before anything happens") {
    EngineRig rig(job("waves: [1, 50%, 100%]"));
    StartJob request;
    request.job = "j";
    request.limit = "n[01-04]";
    const auto plan = rig.wait(rig.engine->plan_job(request)).value();
    CHECK(plan.targets == "n[01-04]");
    REQUIRE(plan.waves.size() == 3);
    CHECK(plan.waves[1].nodes == "n02");
    CHECK(plan.waves[2].nodes == "n[03-04]");
    CHECK(plan.parallel == "64");
    CHECK(rig.fleet.dialled().empty());
}
