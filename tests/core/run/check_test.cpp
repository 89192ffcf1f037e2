#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

using Nodes = std::map<std::string, std::uint32_t>;

Result<RunView> check(EngineRig& rig, std::string job) {
    StartJob request;
    request.job = std::move(job);
    request.check = true;
    return rig.wait(rig.engine->start_job(Caller("user:anna"), request));
}

constexpr const char* make = "  make: {task: loom.files.directory, args: ['/srv/{{ job.name }}'], targets: '@*', overlap: skip}\n";

} // namespace

TEST_CASE("a check is a run of its own, and none of the job's") {
    EngineRig rig(make);
    rig.fleet.nodes["n02"].exits = {1, 0};
    const auto run = rig.end(check(rig, "make").value());
    CHECK(run.reason == "check");
    CHECK(run.job.empty());
    CHECK(run.task == "check make: loom.files.directory");
    CHECK(run.counts == Nodes{{"ok", 9}, {"failed", 1}});
    JobsQuery query;
    query.name = "make";
    CHECK(rig.wait(rig.engine->jobs(query)).value().items.front().last_run.empty());

    const auto again = rig.end(rig.retry(run.id).value());
    CHECK(again.reason == "check");
    CHECK(again.of == run.id);
    CHECK(again.counts == Nodes{{"ok", 1}});
}

TEST_CASE("a check goes on beside a run of its job") {
    EngineRig rig(make);
    rig.fleet.nodes["n01"].hold = true;
    const auto run = rig.start("make");
    rig.fleet.wait_for_holding(1);
    const auto look = check(rig, "make");
    REQUIRE(look.has_value());
    rig.fleet.open();
    CHECK(rig.end(*look).state == "ok");
    CHECK(rig.end(run).state == "ok");
}

TEST_CASE("what cannot tell what it would do is skipped, and dials nobody") {
    EngineRig rig("  j: {command: reboot, targets: '@*'}\n");
    const auto run = rig.end(check(rig, "j").value());
    CHECK(run.counts == Nodes{{"skipped", 10}});
    CHECK(rig.results(run).front().message == "fabric.api.run cannot tell what it would do");
    CHECK(rig.fleet.dialled().empty());
}

TEST_CASE("a node that a task passes over is not dialled") {
    EngineRig rig("  j: {task: loom.system.add_sshfs_mount, args: [{host: a, remotepath: /x, mountpoint: /x, excludes: [n01, n03]}], targets: 'n[01-03]'}\n");
    const auto run = rig.run("j");
    CHECK(run.counts == Nodes{{"ok", 1}, {"skipped", 2}});
    CHECK(rig.fleet.dialled() == std::vector<std::string>{"n02"});
}

TEST_CASE("a task by its name may be checked too") {
    EngineRig rig(make);
    StartExec request;
    request.targets = "n[01-02]";
    request.task = "loom.files.directory";
    request.kwargs["path"] = "/srv";
    request.check = true;
    const auto run = rig.end(rig.wait(rig.engine->start_exec(Caller("user:anna"), request)).value());
    CHECK(run.reason == "check");
    CHECK(run.task == "loom.files.directory");
    request.kwargs["pth"] = "/srv";
    CHECK(rig.wait(rig.engine->start_exec(Caller("user:anna"), request)).error().message ==
          "loom.files.directory: has no argument \"pth\" (did you mean \"path\"?)");
}
