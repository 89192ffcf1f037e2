#include "fake_service.hpp"
#include "support/catch.hpp"

using namespace loom;

TEST_CASE("a usage error exits 2 and names the flag or the word") {
    struct Row {
        std::vector<std::string> args;
        const char* says;
    };
    const Row rows[]{
        {{}, "Usage"},
        {{"rnus"}, "unknown command \"rnus\" (did you mean \"runs\"?)"},
        {{"exec", "--paralel", "4", "web1", "--", "id"}, "unknown flag --paralel (did you mean \"--parallel\"?)"},
        {{"exec", "--paralel"}, "unknown flag --paralel"},
        {{"runs", "--outptu=json"}, "unknown flag --outptu (did you mean \"--output\"?)"},
        {{"exec", "web1", "--parallel", "many", "--", "id"}, "--parallel"},
        {{"exec", "web1", "--parallel", "0", "--", "id"}, "--parallel"},
        {{"run", "j", "--parallel", "10001"}, "--parallel: expected auto or a number from 1 to 10000, not \"10001\""},
        {{"retry", "last", "--parallel", "4x"}, "--parallel"},
        {{"exec", "web1", "--parallel"}, "--parallel"},
        {{"exec", "--", "id"}, "TARGETS"},
        {{"exec", "web1"}, "expected the command after --"},
        {{"exec", "web1", "--timeout", "soon", "--", "id"}, "--timeout: "},
        {{"exec", "web1", "id"}, "unexpected word \"id\": the command stands behind --"},
        {{"runs", "-o", "xml"}, "--output: expected table or json, not \"xml\""},
        {{"runs", "shwo", "x"}, "unexpected word \"shwo\" (did you mean \"show\"?)"},
        {{"runs", "--", "x"}, "unexpected word \"x\" after --"},
        {{"runs", "--count", "0"}, "loom runs: --count: expected a number from 1 to 1000, not \"0\"\n"},
        {{"runs", "--count", "ten"}, "--count: expected a number from 1 to 1000, not \"ten\""},
        {{"runs", "--count", "1", "--count", "2"}, "--count is given more than once"},
        {{"runs", "--limit", "3"}, "unknown flag --limit"},
        {{"exec", "web1", "--port", "65536", "--", "id"}, "--port: expected a number from 1 to 65535, not \"65536\""},
        {{"logs"}, "RUN"},
        {{"nodeset"}, "loom nodeset: expected one of expand, fold, count\n"},
        {{"next", "--cron", "61 * * * *"}, "--cron: "},
        {{"next", "--cron", ""}, "--cron: "},
        {{"next", "--cron", "0 0 * * *", "--tz", "Mars/Base"}, "--tz: "},
        {{"next", "--tz", "UTC"}, "--tz: only with --cron"},
    };
    for (const auto& row : rows) {
        CliBench loom;
        CAPTURE(row.says);
        CHECK(loom(row.args) == 2);
        CHECK(holds(loom.err.str(), row.says));
        CHECK(loom.out.str().empty());
        CHECK(loom.script.calls.empty());
    }
}

TEST_CASE("every error of the service is its exit code and its words") {
    for (const auto code : {Errc::failed, Errc::usage, Errc::unavailable, Errc::denied, Errc::not_found, Errc::config,
                            Errc::conflict}) {
        CliBench loom;
        loom.script.error = Error{code, "why \x1b[2Jit failed"};
        CHECK(loom({"runs"}) == static_cast<int>(code));
        CHECK(loom.err.str() == "loom: why it failed\n");
    }
    CliBench closed;
    closed.door_error = Error{Errc::unavailable, "no daemon answers"};
    for (const auto& args : std::vector<std::vector<std::string>>{
             {"runs"}, {"jobs"}, {"nodes"}, {"next"}, {"logs", "x"}, {"cancel", "x"}, {"reload"}, {"run", "j"}})
        CHECK(closed(args) == 3);
    CHECK(closed.need == Need::write);
    closed({"cancel", "x"});
    CHECK(closed.need == Need::daemon);
    closed({"exec", "w", "--detach", "--", "id"});
    CHECK(closed.need == Need::daemon);
    closed({"exec", "w", "--dry-run", "--", "id"});
    CHECK(closed.need == Need::read);
}

TEST_CASE("version, help and the daemon's own command") {
    CliBench loom;
    CHECK(loom({"--version"}) == 0);
    CHECK(loom.out.str() == "loom " LOOM_VERSION "\nlibssh2 1.11.1\n");
    CliBench help;
    CHECK(help({"exec", "--help"}) == 0);
    CHECK(holds(help.out.str(), "--parallel N|auto "));
    CHECK(holds(help.out.str(), "  TARGETS REQUIRED "));
    CHECK(holds(help.out.str(), "--limit NODESET "));
    CHECK(holds(help.out.str(), "--port N "));
    CHECK(holds(help.out.str(), "grep 'two words'"));
    CHECK(holds(help.out.str(), "Usage: loom exec [OPTIONS] TARGETS -- COMMAND\n"));
    help.out.str("");
    CHECK(help({"jobs", "show", "--help"}) == 0);
    CHECK(holds(help.out.str(), "Usage: loom jobs show [OPTIONS] JOB\n"));
    CHECK(holds(help.out.str(), "\nFor every command: -c,--config, --server, --context, -o,--output, --no-color, -v,--verbose\n"));
    help.out.str("");
    help.context.streams.out_terminal = true;
    CHECK(help({"why", "--help"}) == 0);
    CHECK(holds(help.out.str(), "  WHAT REQUIRED               A job, for its newest run and the next; JOB@TIME,\n"
                                "                              for one instant, as in backup@02:00 or"));
    help.out.str("");
    CHECK(help({"--help"}) == 0);
    CHECK(holds(help.out.str(), "  completion "));
    CHECK_FALSE(holds(help.out.str(), "  complete "));
    CHECK(help({"serve"}) == 0);
    CHECK(help({"serve", "-c", "bad"}) == 6);
}

TEST_CASE("lists are tables for people and one JSON document for programs") {
    CliBench loom;
    RunView run;
    run.id = "0198a1b2-c3d4-7000-8000-000000000001";
    run.job = "backup";
    run.state = "failed";
    run.reason = "cron";
    run.by = "schedule";
    run.started = "2026-01-31T08:04:48Z";
    run.finished = "2026-01-31T08:04:52.2Z";
    run.targets = 4;
    run.counts = {{"ok", 3}, {"failed", 1}};
    run.task = "tar";
    loom.script.runs.items = {run};
    loom.script.runs.next = run.id;
    CHECK(loom({"runs", "--job", "backup", "--count", "1", "-c", "x.yaml"}) == 0);
    CHECK(loom.script.runs_query.job == "backup");
    CHECK(loom.script.runs_query.limit == 1);
    CHECK(loom.out.str() ==
          "RUN                                   STATE   JOB     STARTED  TOOK  NODES           WHY   BY        NOTE\n"
          "0198a1b2-c3d4-7000-8000-000000000001  failed  backup  12s ago  4.2s  3 ok, 1 failed  cron  schedule\n");
    CHECK(loom.err.str() == "older: loom -c x.yaml runs --before 0198a1b2-c3d4-7000-8000-000000000001\n");

    CliBench json;
    json.script.runs.items = {run};
    CHECK(json({"-o", "json", "runs", "--count", "7"}) == 0);
    CHECK(json.script.runs_query.limit == 7);
    CHECK(json.out.str() == boost::json::serialize(to_json(json.script.runs)) + "\n");

    CliBench narrow;
    narrow.context.streams.out_terminal = true;
    narrow.script.runs.items = {run};
    CHECK(narrow({"runs"}) == 0);
    CHECK(holds(narrow.out.str(), "0198a1b2-c3d4  failed"));
    narrow.script.runs.items[0].note = "overdue: it takes longer than 5m00s";
    narrow.out.str({});
    CHECK(narrow({"runs"}) == 0);
    CHECK(holds(narrow.out.str(), "\n  overdue: it takes longer than 5m00s\n"));
}

TEST_CASE("jobs say what starts them, and one in full what becomes of what it missed") {
    CliBench loom;
    JobView job;
    job.name = "report";
    job.after = "backup (always)";
    job.status = "active";
    job.task = "make report";
    job.catchup = CatchUpView{"all", 3'600'000, 3, true};
    job.overlap = OverlapView{"skip", "node"};
    job.expect = ExpectView{300'000, 0, 2.5};
    job.blackout = BlackoutView{{"freeze", "night"}, "hold"};
    loom.script.jobs.items = {job};
    CHECK(loom({"jobs"}) == 0);
    CHECK(loom.out.str() == "JOB     SCHEDULE               NEXT  NODES  STATUS  LAST  STARTED  TASK         NOTE\n"
                            "report  after backup (always)            0  active                 make report\n");
    loom.out.str({});
    CHECK(loom({"jobs", "show", "report"}) == 0);
    CHECK(holds(loom.out.str(), "catch-up:    all, within 1h00m, the newest 3; a node that was not reached gets its run when it is back within 1h00m\n"
                                "overlap:     skip, on each node\n"
                                "blackout:    freeze, night (hold)\n"
                                "expected:    begins within 5m00s, takes at most 2.5 times as long as usual\n"));
}

TEST_CASE("a command of this machine alone offers no server") {
    for (const auto& [command, offers] : {std::pair<const char*, bool>{"runs", true}, {"check", false}, {"db", false}, {"doctor", false}}) {
        CliBench loom;
        CAPTURE(command);
        CHECK(loom({command, "--help"}) == 0);
        CHECK(holds(loom.out.str(), "--server") == offers);
        CHECK(holds(loom.out.str(), "--config"));
    }
    CliBench next;
    CHECK(next({"next", "--help"}) == 0);
    CHECK(!holds(next.out.str(), "JOB JOB"));
}

TEST_CASE("doctor's findings go on below themselves on a narrow terminal") {
    CliBench loom;
    loom.context.streams.out_terminal = true;
    loom.context.streams.width = [] { return std::size_t{40}; };
    loom.checkups = {{"configuration", true, "/etc/loom/loom.yaml: 5 nodes, 3 jobs, 0 quarantined"}, {"ssh", true, "fine"}};
    CHECK(loom({"doctor"}) == 0);
    CHECK(loom.out.str() == "CHECK              FOUND\n"
                            "configuration  ok  /etc/loom/loom.yaml:\n"
                            "                   5 nodes, 3 jobs, 0\n"
                            "                   quarantined\n"
                            "ssh            ok  fine\n");
}

TEST_CASE("a backfill's plan has a heading for each column and room on a narrow terminal") {
    CliBench loom;
    loom.context.streams.out_terminal = true;
    loom.script.backfill.items = {{"2026-01-31T07:05:00Z", "2026-01-31T08:05:00+01:00", true, ""},
                                  {"2026-01-31T07:10:00Z", "2026-01-31T08:10:00+01:00", false, "ok in run 0198a1b2-c3d4-7000-8000-000000000001"}};
    CHECK(loom({"backfill", "backup", "--from", "08:00", "--to", "09:00", "--dry-run"}) == 0);
    CHECK(loom.out.str() == "DUE                             PLAN  WHY\n"
                            "Sat 2026-01-31 08:05:00 +01:00  run\n"
                            "Sat 2026-01-31 08:10:00 +01:00  skip  ok in run 0198a1b2-c3d4-7000-8000-0000000…\n");
}

TEST_CASE("problems are told in the order of their lines") {
    CliBench loom;
    Problem problem;
    problem.kind = Problem::Kind::warning;
    for (const auto* place : {"jobs/a.yaml:12:3", "jobs/a.yaml:3:5", "jobs/a.yaml:3:41"}) {
        problem.place = place;
        loom.catalog.problems.push_back(problem);
    }
    CHECK(loom({"check"}) == 0);
    CHECK(loom.out.str().starts_with("jobs/a.yaml:3:5: warning: \njobs/a.yaml:3:41: warning: \njobs/a.yaml:12:3: warning: \n"));
}

TEST_CASE("show commands show one, and say when there is none") {
    CliBench loom;
    JobView job;
    job.name = "backup";
    job.status = "quarantined";
    job.message = "unknown task\x1b]0;x\a";
    loom.script.jobs.items = {job};
    CHECK(loom({"jobs", "show", "backup"}) == 0);
    CHECK(loom.out.str() == "job:         backup\nstatus:      quarantined: unknown task\n");
    loom.script.node_settings.name = "db1";
    loom.script.node_settings.settings = {{"port", "2222", "~/.ssh/config:5"}};
    CHECK(loom({"nodes", "show", "db1", "-o", "json"}) == 0);
    CHECK(loom.script.asked_node == "db1");
    CHECK(holds(loom.out.str(), "\"name\":\"db1\""));
    CHECK(loom({"nodes", "show", "db1"}) == 0);
    CHECK(holds(loom.out.str(), "port     2222   ~/.ssh/config:5\n"));
    CliBench empty;
    CHECK(empty({"jobs"}) == 0);
}

TEST_CASE("a host key is recorded as it was shown, and only when somebody agreed") {
    HostKeyView key;
    key.node = "db1";
    key.listed_as = "[10.0.0.7]:2222";
    key.type = "ssh-ed25519";
    key.fingerprint = "SHA256:abc";
    key.verdict = "unknown";
    const auto trust = [&](std::vector<std::string> flags, std::string answer, bool terminal, const HostKeyView& shown) {
        CliBench loom;
        loom.script.host_key = shown;
        loom.in.str(std::move(answer));
        loom.context.streams.in_terminal = terminal;
        flags.insert(flags.begin(), {"nodes", "trust", "db1"});
        const int code = loom(std::move(flags));
        CHECK(holds(loom.out.str(), "db1 ([10.0.0.7]:2222) shows ssh-ed25519 SHA256:abc\n"));
        const auto& asked = loom.script.trusted;
        CHECK(asked.front().fingerprint.empty());
        return std::pair(code, asked.size() == 2 ? asked.back().fingerprint : std::string("-"));
    };
    using Told = std::pair<int, std::string>;
    CHECK(trust({}, "y\n", true, key) == Told(0, "SHA256:abc"));
    CHECK(trust({}, "n\n", true, key) == Told(1, "-"));
    CHECK(trust({}, "", true, key) == Told(1, "-"));
    CHECK(trust({}, "y\n", false, key) == Told(2, "-")); // a pipe is nobody
    CHECK(trust({"--yes"}, "", false, key) == Told(0, "SHA256:abc"));
    key.verdict = "known";
    CHECK(trust({"--yes"}, "", false, key) == Told(0, "-"));
    key.verdict = "revoked";
    CHECK(trust({"--yes", "--replace"}, "", false, key) == Told(7, "-"));
    key.verdict = "changed";
    CHECK(trust({"--yes"}, "", false, key) == Told(7, "-"));
    CHECK(trust({"--yes", "--replace"}, "", false, key) == Told(0, "SHA256:abc"));
    key.in_the_way = {"/root/.ssh/known_hosts:3"};
    CHECK(trust({"--yes", "--replace"}, "", false, key) == Told(7, "-"));
}

TEST_CASE("a run in full has its failures first") {
    CliBench loom;
    loom.script.run.id = "0198";
    loom.script.run.state = "failed";
    NodeResultView fine, dead;
    fine.node = "web1";
    fine.state = "ok";
    fine.exit_status = 0;
    dead.node = "web2";
    dead.state = "unreachable";
    dead.cause = "refused";
    loom.script.results.items = {fine, dead};
    CHECK(loom({"runs", "show", "0198"}) == 0);
    CHECK(loom.out.str().find("web2") < loom.out.str().find("web1"));
}

TEST_CASE("node sets are expanded, folded and counted") {
    CliBench loom;
    CHECK(loom({"nodeset", "expand", "web[08-10]", "db1"}) == 0);
    CHECK(loom({"nodeset", "expand", "-S", ",", "web[1-2]"}) == 0);
    CHECK(loom({"nodeset", "count", "web[1-5]!web3"}) == 0);
    loom.in.str("n3 n1 n2\nn2\n");
    CHECK(loom({"nodeset", "fold"}) == 0);
    CHECK(loom({"nodeset", "fold", "a1", "a2", "-o", "json"}) == 0);
    CHECK(loom.out.str() == "db1 web08 web09 web10\nweb1,web2\n4\nn[1-3]\n{\"nodes\":\"a[1-2]\"}\n");
    CHECK(loom({"nodeset", "expand", "web[1-"}) == 2);
    CHECK(loom.err.str() == "loom: column 7: expected a number in \"web[1-\"\n");
    loom.out.str("");
    CHECK(loom({"nodeset", "expand", "[1-5/2]", "[7,9]", "[11]"}) == 0);
    CHECK(loom.out.str() == "1 3 5 7 9 11\n");
    CliBench get;
    CHECK(get({"get", "[1-2]", "[a,b]", "/c", "--dry-run"}) == 0);
    CHECK(get.script.exec.targets == "[1-2]");
    CHECK(boost::json::serialize(get.script.exec.kwargs.at("remote_path")) == "[\"[a,b]\",\"/c\"]");
}

TEST_CASE("a cron expression's next times need no daemon") {
    CliBench loom;
    loom.door_error = Error{Errc::unavailable, "none"};
    CHECK(loom({"next", "--cron", "0 2 * * *", "--tz", "UTC", "--after", "2026-01-30T00:00:00Z", "--count", "2"}) == 0);
    CHECK(loom.out.str() == "DUE                             IN       ZONE\n"
                            "Fri 2026-01-30 02:00:00 +00:00  30h ago  UTC\n"
                            "Sat 2026-01-31 02:00:00 +00:00  6h ago   UTC\n");
    CliBench json;
    CHECK(json({"next", "--cron", "H H * * *", "--job", "backup", "--tz", "UTC", "-o", "json"}) == 0);
    CHECK(boost::json::parse(json.out.str()).at("items").as_array().size() == 5);
}

TEST_CASE("a schedule's words fit a terminal, and stay whole in a file") {
    for (const bool terminal : {true, false}) {
        CliBench loom;
        loom.context.streams.out_terminal = terminal;
        CHECK(loom({"explain", "*/7 9-17 1,15 * mon-fri", "--count", "0"}) == 0);
        std::istringstream lines(loom.out.str());
        std::size_t widest = 0;
        for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
        CHECK((widest <= 80) == terminal);
    }
    Problem problem;
    problem.place = "jobs/web.yaml:3:5";
    problem.message = "both days are restricted, so that it is due where either of them matches";
    CliBench loom;
    loom.context.streams.out_terminal = true;
    loom.catalog.problems = {problem};
    CHECK(loom({"check", "--no-color"}) == 0);
    CHECK(holds(loom.out.str(), "jobs/web.yaml:3:5: warning: both days are restricted, so that it is due where\neither of them matches\n"));
}

TEST_CASE("an H that no job's name draws is told") {
    for (const auto& [words, told] : {std::pair("H 2 * * THU", true), std::pair("0 2 * * THU", false), std::pair("H/15 * * * *", true)}) {
        CliBench loom;
        CHECK(loom({"explain", words}) == 0);
        CHECK(holds(loom.out.str(), "H is drawn from the job's name") == told);
    }
}

TEST_CASE("next says why nothing is due") {
    CliBench loom;
    CHECK(loom({"next"}) == 0);
    CHECK(loom.err.str() == "Nothing is due.\n");
    CliBench one;
    one.script.due.why = "it has no schedule, and is started by hand";
    CHECK(one({"next", "backup"}) == 0);
    CHECK(one.err.str() == "Nothing is due: it has no schedule, and is started by hand.\n");
}

TEST_CASE("check and doctor exit by what they found") {
    CliBench loom;
    CHECK(loom({"check"}) == 0);
    Problem warning;
    warning.place = "jobs/web.yaml:3:5";
    warning.message = "both days are restricted";
    loom.catalog.problems = {warning};
    CHECK(loom({"check"}) == 0);
    CHECK(holds(loom.out.str(), "jobs/web.yaml:3:5: warning: both days are restricted\n"));
    loom.catalog.problems[0].kind = Problem::Kind::quarantined;
    CHECK(loom({"check"}) == 6);
    loom.catalog.problems[0].kind = Problem::Kind::unavailable;
    CHECK(loom({"check"}) == 6);
    loom.door_error = Error{Errc::config, "loom.yaml:1:1: expected a mapping"};
    CHECK(loom({"check"}) == 6);
    loom.checkups = {{"state folder", true, "/var/lib/loom"}};
    CHECK(loom({"doctor"}) == 0);
    loom.checkups.push_back({"descriptors", false, "limit is 64"});
    CHECK(loom({"doctor"}) == 1);
}

TEST_CASE("a drain, and its end, say what came of them") {
    CliBench loom;
    CHECK(loom({"drain"}) == 0);
    CHECK(holds(loom.err.str(), "Draining: nothing new starts"));
    CliBench undone;
    undone.script.catalog.draining = "user:anna since 2026-01-31T08:00:00Z";
    CHECK(undone({"drain", "--undo"}) == 0);
    CHECK(undone.err.str() == "Work begins again; what was missed is caught up as each job says.\n");
    CliBench none;
    CHECK(none({"drain", "--undo"}) == 0);
    CHECK(none.err.str() == "The daemon is not draining: there is nothing to undo.\n");
}

TEST_CASE("a reload that was refused exits 6 and says why") {
    CliBench loom;
    CHECK(loom({"reload"}) == 0);
    loom.script.catalog.last_error = "jobs.yaml:3:1: a tab";
    CHECK(loom({"reload"}) == 6);
    CHECK(holds(loom.err.str(), "jobs.yaml:3:1: a tab"));
}
