#include "fake_service.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

const std::string run_id = "0198a1b2-c3d4-7000-8000-000000000001";

/// A run of three nodes that ends as told.
void script_run(CliBench& loom, const char* state) {
    auto& run = loom.script.run;
    run.id = run_id;
    run.state = "running";
    run.targets = 3;
    run.counts = {{"queued", 3}};
    auto& ended = loom.script.ended;
    ended = run;
    ended.state = state;
    ended.counts = {{"ok", 2}, {"failed", 1}};
    ended.started = "2026-01-31T08:04:48Z";
    ended.finished = "2026-01-31T08:04:52Z";
    NodeResultView result;
    result.node = "web1";
    result.state = "ok";
    loom.script.events = {cli_event("snapshot", to_json(run)), cli_event("nodes.started", {{"count", 3}, {"counts", {{"running", 3}}}}),
                          cli_event("node.finished", {{"result", to_json(result)}, {"counts", {{"running", 2}, {"ok", 1}}}}), cli_event("run.finished", to_json(ended))};
    OutputGroupView bad, good;
    bad.nodes = "web3";
    bad.count = 1;
    bad.state = "failed";
    bad.exit_status = 2;
    bad.out = "no\n";
    good.nodes = "web[1-2]";
    good.count = 2;
    good.state = "ok";
    good.exit_status = 0;
    good.out = "yes\n";
    loom.script.groups.items = {bad, good};
}

} // namespace

TEST_CASE("the words after the dashes become the command text") {
    struct Row {
        std::vector<std::string> words;
        const char* command;
    };
    const Row rows[]{
        {{"df -h | tail -1"}, "df -h | tail -1"},
        {{"grep", "two words", "/etc/motd"}, "grep 'two words' /etc/motd"},
        {{"ls", "--", "-l"}, "ls -- -l"},
        {{"true", "--parallel", "9"}, "true --parallel 9"},
    };
    for (const auto& row : rows) {
        CliBench loom;
        script_run(loom, "ok");
        std::vector<std::string> args{"exec", "web[1-3]", "--parallel", "2", "--"};
        args.insert(args.end(), row.words.begin(), row.words.end());
        CHECK(loom(args) == 0);
        CHECK(loom.script.exec.command == row.command);
        CHECK(loom.script.exec.targets == "web[1-3]");
        CHECK(loom.script.exec.parallel == 2);
    }
}

TEST_CASE("exec hands every flag on") {
    CliBench loom;
    script_run(loom, "ok");
    CHECK(loom({"exec", "web[1-3]", "--limit", "web2", "--adhoc", "--user", "root", "--port", "2222", "--identity",
                "/k", "--connect-timeout", "5s", "--timeout", "off", "--run-timeout", "1h", "--connect-tries", "2",
                "--", "id"}) == 0);
    const auto& exec = loom.script.exec;
    CHECK(exec.targets == "web[1-3]");
    CHECK(exec.limit == "web2");
    CHECK(exec.adhoc);
    CHECK(exec.user == "root");
    CHECK(exec.port == 2222);
    CHECK(exec.identity == "/k");
    CHECK(exec.connect_ms == 5000);
    CHECK(exec.command_ms == 0);
    CHECK(exec.run_ms == 3'600'000);
    CHECK(exec.connect_tries == 2);
}

TEST_CASE("a run that was waited for is shown failures first, then summed up") {
    CliBench loom;
    script_run(loom, "failed");
    CHECK(loom({"run", "backup"}) == 1);
    CHECK(loom.script.job.job == "backup");
    CHECK(loom.out.str() == "------------------------\nweb3 (1)  failed: exit 2\n------------------------\nno\n"
                            "---------------\nweb[1-2] (2)\n---------------\nyes\n");
    CHECK(loom.err.str() == "2 ok, 1 failed of 3 in 4.0s\nrun " + run_id + "\nlook deeper: loom logs " + run_id +
                                " web3\n");
}

TEST_CASE("how a run ended decides the exit code") {
    const std::pair<const char*, int> rows[]{{"ok", 0},          {"failed", 1},   {"timed_out", 124},
                                             {"cancelled", 1}, {"interrupted", 130}, {"skipped", 7}};
    for (const auto& [state, code] : rows) {
        CliBench loom;
        script_run(loom, state);
        CAPTURE(state);
        CHECK(loom({"run", "backup"}) == code);
    }
}

TEST_CASE("a run's end is found out even when the stream breaks off early") {
    CliBench loom;
    script_run(loom, "ok");
    loom.script.events.resize(1);
    CHECK(loom({"run", "backup"}) == 0);
}

TEST_CASE("a daemon that goes while a run is waited for leaves the run's id") {
    CliBench loom;
    script_run(loom, "ok");
    loom.script.events.resize(1);
    loom.script.when_watched = [&loom] { loom.script.error = Error{Errc::unavailable, "no daemon answers"}; };
    CHECK(loom({"exec", "web[1-3]", "--", "true"}) == 3);
    CHECK(holds(loom.err.str(), "loom: no daemon answers\nrun " + run_id + "\nlook deeper: loom runs show " + run_id));
}

TEST_CASE("a run that ended with its daemon is reported from the ledger") {
    for (const std::size_t told : {1u, 4u}) { // its beginning, or its end too
        CliBench loom, later;
        script_run(loom, "interrupted");
        script_run(later, "interrupted");
        later.script.finished = true;
        loom.script.events.resize(told);
        loom.script.when_watched = [&] {
            loom.script.error = Error{Errc::unavailable, "no daemon answers"};
            loom.context.open_service = [&](const std::string&, Need need) {
                CHECK(need == Need::read);
                return later.context.open_service("", need);
            };
        };
        CHECK(loom({"run", "backup"}) == 130);
        CHECK(holds(loom.out.str(), "web[1-2] (2)\n---------------\nyes\n"));
        CHECK(loom.err.str().starts_with("2 ok, 1 failed of 3 in 4.0s\nrun " + run_id));
    }
}

TEST_CASE("a run's end that was told counts even where its output cannot be read any more") {
    CliBench loom;
    script_run(loom, "timed_out");
    loom.script.when_watched = [&loom] { loom.script.error = Error{Errc::unavailable, "no daemon answers"}; };
    CHECK(loom({"run", "backup", "-o", "json"}) == 124);
    CHECK(holds(loom.err.str(), "loom: no daemon answers\nrun " + run_id));
    const auto json = boost::json::parse(loom.out.str());
    CHECK(json.at("run").at("state") == "timed_out");
    CHECK(json.at("groups").is_null());
}

TEST_CASE("who waits for a daemon's run is told that the ledger cannot be written") {
    for (const auto& words : {std::vector<std::string>{"run", "backup"}, {"logs", "-f", "last"}}) {
        CliBench loom;
        script_run(loom, "ok");
        loom.script.events.insert(loom.script.events.begin() + 1, cli_event("run.stalled", {{"message", "the ledger cannot be written"}}));
        CHECK(loom(words) == 0);
        CHECK(holds(loom.err.str(), "the ledger cannot be written\n"));
    }
}

TEST_CASE("a wait in JSON is one document") {
    CliBench loom;
    script_run(loom, "failed");
    CHECK(loom({"run", "backup", "-o", "json"}) == 1);
    const auto json = boost::json::parse(loom.out.str());
    CHECK(json.at("run").at("state") == "failed");
    CHECK(json.at("groups").as_array().size() == 2);
    CHECK(loom.err.str().empty());
}

TEST_CASE("progress is drawn on a terminal and gone at the end") {
    CliBench loom;
    script_run(loom, "ok");
    loom.context.streams.err_terminal = true;
    CHECK(loom({"run", "backup"}) == 0);
    CHECK(holds(loom.err.str(), "/3"));
    CHECK(holds(loom.err.str(), "\r\x1b[K"));
}

TEST_CASE("a detached run prints its id") {
    CliBench loom;
    script_run(loom, "ok");
    CHECK(loom({"exec", "web1", "--detach", "--", "id"}) == 0);
    CHECK(loom.out.str() == run_id + "\n");
    CHECK(holds(loom.err.str(), "loom cancel " + run_id));
}

TEST_CASE("a dry run names nodes and command and starts nothing") {
    CliBench loom;
    loom.script.plan.targets = "web[1-2]";
    loom.script.plan.count = 2;
    loom.script.plan.task = "ls 'a b'";
    loom.script.plan.order = "inventory";
    CHECK(loom({"exec", "@web", "--dry-run", "--ask-become-pass", "--", "ls", "a b"}) == 0);
    CHECK(loom.out.str() == "targets: web[1-2] (2)\ncommand: ls 'a b'\n");
    CHECK(loom.script.exec.targets == "@web");
    CHECK(loom.script.exec.command == "ls 'a b'");
    CHECK(loom.script.calls == std::vector<std::string>{"plan_exec"});
    CHECK(loom.need == Need::read);

    CliBench again;
    CHECK(again({"retry", "last", "--dry-run", "-o", "json"}) == 0);
    CHECK(again.out.str() == boost::json::serialize(to_json(again.script.plan)) + "\n");
    CHECK(again.script.calls == std::vector<std::string>{"plan_retry"});

    CliBench job;
    auto& plan = job.script.plan;
    plan.task = "tar";
    plan.targets = "web[1-5]";
    plan.count = 5;
    plan.order = "label:rack";
    plan.waves = {{"web1", 1}, {"web[2-5]", 4}};
    CHECK(job({"run", "backup", "--limit", "web[1-5]", "--dry-run"}) == 0);
    CHECK(job.out.str() == "targets: web[1-5] (5)\ncommand: tar\norder:   label:rack\n"
                           "wave 1:  web1 (1)\nwave 2:  web[2-5] (4)\n");
    CHECK(job.script.job.limit == "web[1-5]");
    CHECK(job.script.calls == std::vector<std::string>{"plan_job"});
}

TEST_CASE("the width is a number or auto wherever a run is started") {
    for (const auto& args : std::vector<std::vector<std::string>>{
             {"exec", "w", "--parallel", "auto", "--", "id"}, {"put", "w", "/", "x", "--parallel", "auto"},
             {"get", "w", "x", "--parallel", "auto"}, {"run", "j", "--parallel", "auto"}, {"retry", "last", "--parallel", "auto"}}) {
        CliBench loom;
        script_run(loom, "ok");
        CAPTURE(args.front());
        CHECK(loom(args) == 0);
        CHECK((loom.script.exec.parallel_auto || loom.script.job.parallel_auto || loom.script.retry.parallel_auto));
    }
}

TEST_CASE("a retry passes on what it is to take and reports like a run") {
    CliBench loom;
    script_run(loom, "ok");
    CHECK(loom({"retry", "last", "--states", "failed,unreachable", "--limit", "web1", "--parallel", "3"}) == 0);
    CHECK(loom.script.retry.id == "last");
    CHECK(loom.script.retry.states == "failed,unreachable");
    CHECK(loom.script.retry.limit == "web1");
    CHECK(loom.script.retry.parallel == 3);
    CHECK(loom.script.calls.front() == "retry");
    CHECK(loom.need == Need::write);
}

TEST_CASE("Ctrl-C detaches from a daemon's run and says how to look and cancel") {
    CliBench loom;
    script_run(loom, "ok");
    loom.script.events.resize(2);
    loom.script.hold = true;
    loom.script.when_watched = [&] { loom.interrupt(); };
    loom.context.detach_grace = std::chrono::milliseconds(0);
    CHECK(loom({"run", "backup"}) == 130);
    CHECK(holds(loom.err.str(), "Detached"));
    CHECK(holds(loom.err.str(), "loom logs " + run_id));
    CHECK(holds(loom.err.str(), "loom cancel " + run_id));
    CHECK(loom.script.calls == std::vector<std::string>{"jobs", "start_job"});
    CHECK(!loom.interrupt);
}

TEST_CASE("a second Ctrl-C cancels a daemon's run, waits for the end and reports it") {
    CliBench loom;
    script_run(loom, "cancelled");
    loom.script.events.resize(2);
    loom.script.hold = true;
    loom.script.when_watched = [&] {
        loom.interrupt();
        loom.interrupt();
    };
    CHECK(loom({"run", "backup"}) == 130);
    CHECK(loom.left == -1);
    CHECK(holds(loom.err.str(), "2 ok, 1 failed"));
    CHECK(loom.script.calls == std::vector<std::string>{"jobs", "start_job", "cancel", "run", "gathered"});
}

TEST_CASE("a node that ended before the watch began is counted once") {
    CliBench loom;
    script_run(loom, "ok");
    auto seen = loom.script.run;
    seen.counts = {{"running", 2}, {"ok", 1}};
    const boost::json::object older{{"running", 3}}, same{{"running", 2}, {"ok", 1}};
    loom.script.events = {cli_event("snapshot", to_json(seen)), cli_event("nodes.started", {{"count", 3}, {"counts", older}}),
                          cli_event("node.finished", {{"result", {{"node", "web1"}}}, {"counts", same}})};
    loom.script.hold = true;
    loom.script.when_watched = [&] { loom.interrupt(); };
    loom.context.streams.err_terminal = true;
    loom.context.detach_grace = std::chrono::milliseconds(0);
    CHECK(loom({"run", "backup"}) == 130);
    CHECK(holds(loom.err.str(), "1/3"));
    CHECK(!holds(loom.err.str(), "2/3"));
}

TEST_CASE("Ctrl-C in process cancels, waits for the end and reports it") {
    CliBench loom;
    script_run(loom, "cancelled");
    loom.daemon = false;
    loom.script.events.resize(2);
    loom.script.hold = true;
    loom.script.when_watched = [&] { loom.interrupt(); };
    CHECK(loom({"run", "backup"}) == 130);
    CHECK(loom.left == -1);
    CHECK(holds(loom.err.str(), "press Ctrl-C again"));
    CHECK(holds(loom.err.str(), "2 ok, 1 failed"));
    CHECK(loom.script.calls == std::vector<std::string>{"jobs", "start_job", "cancel", "run", "gathered"});
}

TEST_CASE("a second Ctrl-C in process leaves at once") {
    CliBench loom;
    script_run(loom, "cancelled");
    loom.daemon = false;
    loom.script.events.resize(2);
    loom.script.hold = true;
    loom.script.when_watched = [&] {
        loom.interrupt();
        loom.interrupt();
    };
    CHECK(loom({"run", "backup"}) == 130);
    CHECK(loom.left == 130);
}

TEST_CASE("an argument that begins with a bracket is YAML where it can be and the task takes more than text") {
    struct Row {
        const char *task, *argument, *value;
    };
    const Row rows[]{
        {"loom.files.line", "line=[mysqld]", R"("[mysqld]")"},
        {"loom.files.line", "line={a: 1}", R"("{a: 1}")"},
        {"loom.debian.install", "packages=[nginx, curl]", R"(["nginx","curl"])"},
        {"loom.debian.install", "packages=nginx", R"("nginx")"},
        {"loom.debian.install", "packages=[nginx", R"("[nginx")"},
        {"deploy.web", "hosts=[a, 2]", R"(["a",2])"},
        {"deploy.web", "vars={a: [1]}", R"({"a":[1]})"},
        {"deploy.web", "text=[a] b", R"("[a] b")"},
        {"deploy.web", "text={{ node.name }}", R"("{{ node.name }}")"},
        {"deploy.web", "number=2", R"("2")"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.argument);
        CliBench loom;
        script_run(loom, "ok");
        CHECK(loom({"exec", "web1", "--task", row.task, "--arg", row.argument}) == 0);
        const auto& named = loom.script.exec.kwargs;
        REQUIRE(named.size() == 1);
        CHECK(boost::json::serialize(named.begin()->value()) == row.value);
    }
}
