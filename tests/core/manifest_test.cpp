#include "core/base/limits.hpp"
#include "core/config/catalog_builder.hpp"
#include "core/task/registry.hpp"
#include "fuzz/manifest_target.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace loom;
using namespace loom::tests;

namespace {

/// The problems of one job `j` that has these lines besides what every job needs.
std::string problems_of_job(const std::string& lines) {
    std::string text = "jobs:\n  j:\n    task: t\n    targets: web1\n    schedule: '@daily'\n";
    return problems_of(catalog_texts(text + lines, "web1: {labels: {rack: r1}}\n"));
}

Job job_with(const std::string& lines) {
    const auto catalog =
        build_catalog(catalog_texts("jobs:\n  j:\n    targets: web1\n    schedule: '@daily'\n" + lines)).value();
    CAPTURE(problem_lines(*catalog));
    REQUIRE(catalog->find_job("j"));
    return *catalog->find_job("j");
}

std::string contents(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("a job has every key that is documented") {
    const auto catalog = build_catalog(catalog_texts(R"(
jobs:
  rotate:
    task: loom.tls.renew
    args: [a, 1, true, null, "2", 1.5, {k: [v]}]
    kwargs: {pty: false}
    targets: "web[1-2]!web2"
    description: Renew
    env: {LANG: C, N: 1}
    cwd: /srv
    schedule: {cron: "0 2 * * mon-fri", tz: UTC, splay: 20m, dst: {gap: skip, fold: both}}
    catchup: {policy: skip, window: 2h}
    overlap: {policy: allow, scope: job}
    limits: {parallel: 7}
    timeout: {resolve: 1s, connect: 2s, handshake: 3s, auth: 4s, idle: 5m, command: off, run: 2h, grace: 250ms}
    retry: {connect: 5, backoff: 2s..30s}
    on_empty: ok
    log: {file: "log/{{ job.name }}.log"}
)"))
                             .value();
    CHECK(problem_lines(*catalog).empty());
    const auto* job = catalog->find_job("rotate");
    REQUIRE(job);
    CHECK(job->task->name == "loom.tls.renew");
    CHECK(boost::json::serialize(job->task->args) == R"(["a",1,true,null,"2",1.5E0,{"k":["v"]}])");
    CHECK(boost::json::serialize(job->task->kwargs) == R"({"pty":false})");
    CHECK(job->task->env == std::map<std::string, std::string>{{"LANG", "C"}, {"N", "1"}});
    CHECK(job->task->cwd == "/srv");
    CHECK(job->targets->text == "web[1-2]!web2");
    CHECK(job->targets->nodes == std::vector<std::string>{"web1"});
    CHECK(job->description == "Renew");
    REQUIRE(job->schedule);
    CHECK(job->schedule->text == "0 2 * * mon-fri");
    CHECK(job->schedule->zone->name() == "UTC");
    CHECK(job->schedule->splay == std::chrono::minutes(20));
    CHECK(job->schedule->gap == Gap::skip);
    CHECK(job->schedule->fold == Fold::both);
    CHECK(job->policy->catch_up == CatchUp::skip);
    CHECK(job->policy->catch_up_window == std::chrono::hours(2));
    CHECK(job->policy->overlap == Overlap::allow);
    CHECK(job->policy->fan_out.parallel == 7);
    CHECK(job->policy->timeout.resolve == std::chrono::seconds(1));
    CHECK(job->policy->timeout.auth == std::chrono::seconds(4));
    CHECK(job->policy->timeout.command == Milliseconds(0));
    CHECK(job->policy->timeout.grace == Milliseconds(250));
    CHECK(job->policy->retry.connect == 5);
    CHECK(job->policy->retry.backoff_most == std::chrono::seconds(30));
    CHECK(job->policy->on_empty == OnEmpty::ok);
    CHECK(job->policy->log_file.path == "/c/jobs/log/{{ job.name }}.log");
    CHECK(to_string(job->source) == "jobs/web.yaml:3:3");
}

TEST_CASE("a job says how its command runs") {
    const auto plain = *job_with("    command: id\n").task;
    CHECK(!plain.input);
    CHECK(!plain.become);
    const auto full = *job_with("    command: id\n    stdin: \"{{ not a placeholder\"\n    pty: true\n    on_link_loss: kill\n"
                               "    become: {user: db, password: geheim}\n").task;
    CHECK(*full.input == "{{ not a placeholder");
    CHECK(full.pty);
    CHECK(full.end_with_link);
    CHECK(full.become->user == "db");
    CHECK(full.become->password.reveal() == "geheim");
    CHECK(describe_task(full) == "sudo: id");
    CHECK(job_with("    command: id\n    become: true\n").task->become == Become{});
    CHECK(!job_with("    command: id\n    become: false\n").task->become);
}

TEST_CASE("a job's password for sudo comes from where it is kept") {
    auto texts = catalog_texts("jobs:\n  j: {command: id, targets: web1, become: {password: {file: pw}}}\n");
    texts.read_secret = [](const boost::json::object& source) -> Result<Secret> { return Secret(boost::json::serialize(source)); };
    CHECK(build_catalog(texts).value()->find_job("j")->task->become->password.reveal() == R"({"file":"/c/jobs/pw"})");
    texts.read_secret = [](const boost::json::object&) -> Result<Secret> { return Error{Errc::config, "it is not there"}; };
    CHECK(problems_of(texts) == "jobs/web.yaml:2:54: become: password: it is not there\n");
    texts.read_secret = [](const boost::json::object&) -> Result<Secret> { return Secret("two\nlines"); };
    CHECK(problems_of(texts) == "jobs/web.yaml:2:54: become: password: a password for sudo is one line\n");
}

TEST_CASE("a command stands for the task that runs a shell line") {
    const auto line = [](const std::string& command) {
        const auto job = job_with("    command: " + command + "\n");
        CHECK(job.task->name == "fabric.api.run");
        return std::string(job.task->args.at(0).as_string());
    };
    CHECK(line("uptime | wc") == "uptime | wc");
    CHECK(line("[ls, -l, \"a b\", \"\"]") == "ls -l 'a b' ''");
    CHECK(line("[echo, \"it's {{ node.vars.x }}!\"]") == "echo 'it'\\''s '{{ node.vars.x | quote }}'!'");
    CHECK(line("[docker, \"--format={{.Names}}\"]") == "docker '--format={{.Names}}'");
}

TEST_CASE("words stand for the first key of a map") {
    const auto job = job_with(
        "    task: t\n    catchup: skip\n    overlap: allow\n    log: ~/x.log\n    limits: {parallel: auto}\n");
    CHECK(job.policy->catch_up == CatchUp::skip);
    CHECK(job.policy->overlap == Overlap::allow);
    CHECK(job.policy->log_file.path == "/home/anna/x.log");
    CHECK(job.policy->fan_out.parallel == limits::parallel_default);
    CHECK(job.policy->fan_out.parallel_auto);
}

TEST_CASE("a job says how its run spreads over its targets") {
    const auto job = job_with(R"(    task: t
    waves: [1, 2.5%, 100%]
    stop_when: {failed: ">5%", unreachable: ">= 3"}
    success_when: {ok: ">=99%"}
    order: random
    run_once: true
    limits: {starts_per_second: 200}
    retry: {connect: 2, task: 1, backoff: 1s..30s, on_exit: [75, 111]}
)");
    const auto& fan_out = job.policy->fan_out;
    REQUIRE(fan_out.waves.size() == 3);
    CHECK(fan_out.waves[0] == Amount{1'000, false});
    CHECK(fan_out.waves[1] == Amount{2'500, true});
    CHECK(fan_out.stop_when.failed->text == ">5%");
    CHECK(fan_out.stop_when.unreachable->text == ">=3");
    CHECK(fan_out.success_ok->text == ">=99%");
    CHECK(fan_out.order.kind == DialOrder::Kind::random);
    CHECK(fan_out.run_once);
    CHECK(fan_out.starts_per_second == 200);
    CHECK(fan_out.parallel == limits::parallel_default);
    CHECK_FALSE(fan_out.parallel_auto);
    CHECK(job.policy->retry.task == 1);
    CHECK(job.policy->retry.on_exit == std::vector<int>{75, 111});
    CHECK(job_with("    task: t\n    retry: {on_exit: 75}\n").policy->retry.on_exit == std::vector<int>{75});
}

TEST_CASE("a bad key of a job is told with its place") {
    struct Row {
        std::string lines, problem;
    };
    const std::vector<Row> rows{
        {"    shedule: x\n", "6:5: unknown key \"shedule\" (did you mean \"schedule\"?)"},
        {"    zzz: x\n", "6:5: unknown key \"zzz\""},
        {"    task: u\n", "6:5: duplicate key \"task\", first on line 3"},
        {"    args: uptime\n", "6:11: args: expected a list, e.g. [\"uptime\"], not \"uptime\""},
        {"    args: {a: 1}\n", "6:11: args: expected a list, e.g. [\"uptime\"], not a map"},
        {"    args: [\"{{ node.nmae }}\"]\n", "6:12: args: unknown placeholder \"{{ node.nmae }}\" (did you mean "
                                              "\"node.name\"?); known are run.id, run.due, job.name, "
                                              "node.name, node.user, node.address, node.vars.NAME, params.NAME"},
        {"    args: [\"{{ run.id\"]\n", "6:12: args: \"{{ run.id\" begins a placeholder, but no \"}}\" follows"},
        {"    args: [{a: 1, a: 2}]\n", "6:19: args: duplicate key \"a\", first on line 6"},
        {"    kwargs: [a]\n", "6:13: kwargs: expected a map, not a list"},
        {"    env: {1A: x}\n", "6:11: env: \"1A\" cannot name a variable: use letters, digits and '_'"},
        {"    env: {A: [x]}\n", "6:14: env: expected text, not a list"},
        {"    command: ls\n", "6:14: \"command\" and \"task\" exclude each other"},
        {"    command: []\n", "6:14: command: expected a shell line or a list of words, not a list"},
        {"    timeout: {conect: 1s}\n", "6:15: timeout: unknown key \"conect\" (did you mean \"connect\"?)"},
        {"    timeout: {connect: soon}\n",
         "6:24: timeout: connect: \"soon\" is not a duration; expected e.g. 250ms, 90s, 5m, 1h30m, 2d"},
        {"    timeout: {connect: [1]}\n",
         "6:24: timeout: connect: expected a duration such as 30s or 5m, or off, not a list"},
        {"    timeout: 5s\n", "6:14: timeout: expected a map, not text"},
        {"    retry: {connect: 0}\n", "6:22: retry: connect: expected a number from 1 to 100, not \"0\""},
        {"    retry: {backoff: 9s..1s}\n",
         "6:22: retry: backoff: expected FIRST..MOST such as 1s..15s, not \"9s..1s\""},
        {"    retry: {task: -1}\n", "6:19: retry: task: expected a number from 0 to 100, not \"-1\""},
        {"    retry: {on_exit: [0]}\n", "6:23: retry: on_exit: expected a number from 1 to 255, not \"0\""},
        {"    waves: 3\n", "6:12: waves: expected a list of 1 to 100 waves such as [1, 10%, 100%], not \"3\""},
        {"    waves: [0, 100%]\n", "6:13: waves: a wave has at least one node"},
        {"    waves: [1, x]\n", "6:16: waves: expected a count such as 10 or a share such as 10%, not \"x\""},
        {"    waves: [10%, 5%, 100%]\n", "6:18: waves: waves are cumulative: each is more than the one before"},
        {"    waves: [1, 10%]\n", "6:16: waves: the last wave must be 100%, so that no target is left out"},
        {"    stop_when: {faild: '>1'}\n", "6:17: stop_when: unknown key \"faild\" (did you mean \"failed\"?)"},
        {"    stop_when: {failed: 5%}\n", "6:25: stop_when: failed: expected > or >= and a count or share, such as "
                                         "\">5%\", not \"5%\""},
        {"    stop_when: {failed: '>=0%'}\n", "6:25: stop_when: failed: >=0% always holds: no run would get anywhere"},
        {"    success_when: {ok: '>=101%'}\n", "6:24: success_when: ok: a share is at most 100%"},
        {"    order: label\n", "6:12: order: expected one of inventory, random, label:KEY, not \"label\""},
        {"    order: \"label:rakc\"\n", "6:12: order: no node has the label \"rakc\" (did you mean \"rack\"?)"},
        {"    run_once: 'true'\n", "6:15: run_once: expected true or false, not \"true\""},
        {"    limits: {parallel: many}\n", "6:24: limits: parallel: expected a number from 1 to 10000, not \"many\""},
        {"    limits: {parallel: [1]}\n", "6:24: limits: parallel: expected a number from 1 to 10000, not a list"},
        {"    limits: {starts_per_second: 0}\n",
         "6:33: limits: starts_per_second: expected a number from 1 to 1000000, not \"0\""},
        {"    catchup: lst\n", "6:14: catchup: expected one of skip, last, all, not \"lst\" (did you mean \"last\"?)"},
        {"    catchup: {policy: all, max: 0}\n", "6:33: catchup: max: expected a number from 1 to 99, not \"0\""},
        {"    catchup: {policy: all, window: soon}\n",
         "6:36: catchup: window: \"soon\" is not a duration; expected e.g. 250ms, 90s, 5m, 1h30m, 2d"},
        {"    on_empty: no\n", "6:15: on_empty: expected one of fail, skip, ok, not \"no\""},
        {"    log: {file: '{{ run.id }}/x', keep: 30d}\n",
         "6:10: log: \"keep\" looks for older files in one folder: put {{ run.… }} into the file's name"},
        {"    log: [x]\n", "6:10: log: expected a map, not a list"},
        {"    <<: word\n", "6:9: <<: expected a map to merge, not \"word\""},
        {"    <<: [{description: x}, 3]\n", "6:28: <<: expected a map to merge, not \"3\""},
        {"    ? [a]\n    : b\n", "6:7: a key must be a word, not a list"},
        {"    become: x\n", "6:13: become: expected {user: NAME, password: SECRET}, not text"},
        {"    on_link_loss: stop\n", "6:19: on_link_loss: expected one of kill, leave, not \"stop\""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.lines);
        CHECK(problems_of_job(row.lines) == "jobs/web.yaml:" + row.problem + "\n");
    }
    CHECK(problems_of_job("    script: x\n") == "jobs/web.yaml:6:13: \"script\" and \"task\" exclude each other\n");
}

TEST_CASE("a job that lacks what it needs is told so") {
    CHECK(problems_of(catalog_texts("jobs:\n  j:\n")) ==
          "jobs/web.yaml:2:3: missing key \"task\" (or \"command\", or \"script\")\njobs/web.yaml:2:3: missing key \"targets\"\n");
    CHECK(problems_of(catalog_texts("jobs:\n  j: word\n")) == "jobs/web.yaml:2:6: expected a map, not text\n");
    CHECK(problems_of(catalog_texts("jobs: [a]\n")) == "jobs/web.yaml:1:7: jobs: expected a map, not a list\n");
    CHECK(problems_of(catalog_texts("jobs:\n")).empty());
    CHECK(problems_of(catalog_texts("jobs:\n  j: {task: t, targets: web1}\n")) ==
          "jobs/web.yaml:2:3: no schedule: manual only\n");
    CHECK(problems_of(catalog_texts("jobs:\n  a/b: {task: t, targets: web1, schedule: '@daily'}\n")) ==
          "jobs/web.yaml:2:3: a job's name holds no '/' and no control characters\n");
    CHECK(problems_of(catalog_texts("jobs:\n  " + std::string(201, 'x') +
                                    ": {task: t, targets: web1, schedule: '@daily'}\n")) ==
          "jobs/web.yaml:2:3: a job's name has 1 to 200 bytes, this one 201\n");
    CHECK(problems_of(catalog_texts("jobs:\n  j: {command: ls, args: [x], targets: web1, schedule: '@daily'}\n")) ==
          "jobs/web.yaml:2:26: \"args\" belong to a task: a command takes none\n");
}

TEST_CASE("a command cannot hold a NUL byte") {
    CHECK(problems_of(catalog_texts("jobs:\n  j: {command: [\"a\\0b\"], targets: web1, schedule: '@daily'}\n")) ==
          "jobs/web.yaml:2:17: command: a NUL byte cannot be part of a command\n");
}

TEST_CASE("a schedule that is bad or surprising is told with its place") {
    const auto problems = [](const std::string& schedule) {
        return problems_of(catalog_texts("jobs:\n  j: {task: t, targets: web1, schedule: " + schedule + "}\n"));
    };
    CHECK(problems("'61 * * * *'").starts_with("jobs/web.yaml:2:41: schedule \"61 * * * *\": minute field"));
    CHECK(problems("{cron: '@daily', tz: Europe/Berln}").starts_with("jobs/web.yaml:2:62: schedule: tz: "));
    CHECK(problems("{cron: '@daily', dst: {gap: never}}") ==
          "jobs/web.yaml:2:69: schedule: dst: gap: expected one of run_after, skip, not \"never\"\n");
    CHECK(
        problems("'0 0 1 * 1'") ==
        "jobs/web.yaml:2:41: schedule: day of month and weekday are both restricted: it is due when either matches\n");
}

TEST_CASE("targets are an expression or a list of them") {
    const auto nodes = [](const std::string& targets) {
        const auto job =
            build_catalog(catalog_texts("jobs:\n  j: {task: t, targets: " + targets + "}\n")).value()->jobs.at(0);
        return job.targets->text;
    };
    CHECK(nodes("[web1, db1]") == "web1,db1");
    CHECK(nodes("[web1, \"web[1-2]!web1\"]") == "web1,(web[1-2]!web1)");
    CHECK(nodes("[web1, [web2, [db1]]]") == "web1,web2,db1");
    CHECK(nodes("[]").empty());
    CHECK(problems_of(catalog_texts("jobs:\n  j: {task: t, targets: [web1, wep2]}\n")) ==
          "jobs/web.yaml:2:32: targets: unknown node \"wep2\" (did you mean \"web2\"?)\n");
    CHECK(problems_of(catalog_texts("jobs:\n  j: {task: t, targets: {a: 1}}\n"))
              .starts_with(
                  "jobs/web.yaml:2:25: targets: expected a NodeSet such as web[1-9] or a list of names, not a map\n"));
}

TEST_CASE("a bad job leaves the others alone") {
    auto texts = catalog_texts("jobs:\n  bad: {task: t, targets: nowhere}\n  good: {task: t, targets: web1}\n");
    texts.manifests.push_back({"/c/jobs/x.yaml", "jobs: {broken\n"});
    const auto catalog = build_catalog(texts).value();
    CHECK(catalog->job_names() == std::vector<std::string>{"good"});
    CHECK(catalog->problems.at(0).kind == Problem::Kind::quarantined);
    CHECK(catalog->problems.at(0).place.starts_with("jobs/x.yaml:"));
    CHECK(catalog->problems.at(1).job == "bad");
}

TEST_CASE("a task that is unknown quarantines its job, one that is not built in lists it") {
    auto texts = catalog_texts("jobs:\n  a: {task: later, targets: web1}\n  b: {task: wrong, targets: web1}\n");
    texts.check_task = [](const TaskSpec& spec, const Plugins&) -> Result<void> {
        if (spec.name == "later")
            return Error{Errc::unavailable, "not built in"};
        return not_found("unknown task");
    };
    const auto catalog = build_catalog(texts).value();
    CHECK(catalog->jobs.empty());
    REQUIRE(catalog->problems.size() == 3);
    CHECK(catalog->problems[0].message == "no schedule: manual only");
    CHECK(catalog->problems[1].kind == Problem::Kind::unavailable);
    CHECK(catalog->problems[1].place == "jobs/web.yaml:2:13");
    CHECK(catalog->problems[2].kind == Problem::Kind::quarantined);
    CHECK(catalog->problems[2].message == "unknown task");
}

TEST_CASE("a job's name in two places quarantines both") {
    const std::string job = "jobs:\n  j: {task: t, targets: web1, schedule: '@daily'}\n";
    auto texts = catalog_texts(job);
    texts.manifests.push_back({"/c/jobs/z.yaml", job});
    CHECK(problems_of(texts) == "jobs/web.yaml:2:3: job \"j\" is also defined at jobs/z.yaml:2:3\n"
                                "jobs/z.yaml:2:3: job \"j\" is also defined at jobs/web.yaml:2:3\n");
    CHECK(build_catalog(texts).value()->jobs.empty());
    CHECK(problems_of(catalog_texts(job + "  j: {task: t, targets: web1, schedule: '@daily'}\n")) ==
          "jobs/web.yaml:2:3: job \"j\" is also defined at jobs/web.yaml:3:3\n"
          "jobs/web.yaml:3:3: job \"j\" is also defined at jobs/web.yaml:2:3\n");
    CHECK(problems_of(catalog_texts(job + job)) == "jobs/web.yaml:3:1: duplicate key \"jobs\", first on line 1\n");
}

TEST_CASE("anchors of the datafile serve every manifest") {
    auto texts =
        catalog_texts("---\nhosts: free\njobs:\n  j: {task: t, targets: *web, schedule: '@daily', shedule: 1}\n...\n");
    texts.data = ConfigText{"/c/data.yaml", "%YAML 1.2\n---\nhosts:\n  - &web [web1, web2]\n...\n"};
    CHECK(problems_of(texts) == "jobs/web.yaml:4:51: unknown key \"shedule\" (did you mean \"schedule\"?)\n");
    texts.manifests[0].text = "hosts: &x {a: 1}\r\njobs:\r\n  j: {task: t, targets: *web, schedule: '@daily'}\r\n";
    CHECK(problems_of(texts).empty());
    CHECK(build_catalog(texts).value()->jobs.at(0).targets->nodes == std::vector<std::string>{"web1", "web2"});
    texts.manifests[0].text = "jobs:\n  j: {task: t, targets: *wep}\n";
    CHECK(problems_of(texts).starts_with("jobs/web.yaml:2:25: the alias *wep has no anchor &wep before it"));
    texts.manifests[0].text = "jobs:\n  j: {task: t, targets: *web, bad\n";
    CHECK(problems_of(texts).starts_with("jobs/web.yaml:"));
    texts.data->text = "hosts:\n  - &web [web1, nowhere]\n";
    texts.manifests[0].text = "jobs:\n  j: {task: t, targets: *web}\n";
    CHECK(problems_of(texts) == "data.yaml:2:17: targets: unknown node \"nowhere\"\n");
}

TEST_CASE("a broken datafile is fatal") {
    auto texts = catalog_texts("jobs:\n");
    const auto problems = [&](std::string text) {
        texts.data = ConfigText{"/c/data.yaml", std::move(text)};
        return problems_of(texts);
    };
    CHECK(problems("a: [\n").starts_with("fatal data.yaml:"));
    CHECK(problems("- a\n") == "fatal data.yaml:1:1: expected a map, not a list: it goes before each manifest");
    CHECK(problems("{a: 1}\n") ==
          "fatal data.yaml:1:1: expected lines \"key: value\", not {…}: it goes before each manifest");
    CHECK(problems("").empty());
    CHECK(problems("# nothing\n").empty());
    CHECK(problems("jobs: {}\n") ==
          "data.yaml:1:1: the jobs of the datafile are not read: it serves the manifests' anchors\n");
}

TEST_CASE("files without top-level jobs are none of ours") {
    auto texts = catalog_texts("- hosts: all\n  jobs: 3\n");
    texts.data = ConfigText{"/c/data.yaml", "a: 1\n"};
    CHECK(problems_of(texts).empty());
    for (const std::string text : {"", "\xef\xbb\xbf", "# x\n", "word", "{broken", "a: {jobs: 1}\n", "---\n"}) {
        CAPTURE(text);
        texts.manifests[0].text = text;
        CHECK(problems_of(texts).empty());
    }
}

TEST_CASE("a manifest may be JSON, without the datafile") {
    auto texts = catalog_texts(R"({"jobs": {"j": {"task": "t", "targets": ["web1"], "schedule": "@daily"}}})");
    texts.data = ConfigText{"/c/data.yaml", "a: 1\n"};
    CHECK(problems_of(texts).empty());
    CHECK(build_catalog(texts).value()->jobs.size() == 1);
}

TEST_CASE("merges bring keys, and a job's own win") {
    const auto catalog = build_catalog(catalog_texts("base: &base {task: t, description: base, targets: web1}\n"
                                                     "more: &more {description: more, schedule: '@daily'}\n"
                                                     "jobs:\n  j:\n    <<: [*base, *more]\n    targets: db1\n"))
                             .value();
    CHECK(problem_lines(*catalog).empty());
    CHECK(catalog->jobs.at(0).description == "base");
    CHECK(catalog->jobs.at(0).targets->text == "db1");
    CHECK(catalog->jobs.at(0).schedule->text == "@daily");
}

TEST_CASE("the manifest corpus neither crashes nor hangs") {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(LOOM_SOURCE_DIR "/tests/fuzz/corpus/manifest")) {
        CAPTURE(entry.path().string());
        fuzz_manifest(contents(entry.path()));
        ++files;
    }
    CHECK(files > 5);
}
