#include "app/http/guarded_service.hpp"
#include "core/model/nodeset.hpp"
#include "core/run/tokens.hpp"
#include "scripted_service.hpp"
#include "support/catch.hpp"
#include "support/memory_tokens.hpp"

using namespace loom;

namespace {

/// Two jobs, `mine` on n1 and `wide` on n1 and n2, and a run of each; `exec` is a run of a command on both nodes.
class Fleet final : public ScriptedHttpService {
public:
    awaitable<Result<RunView>> run(RunQuery request) override {
        note("run " + request.id + (request.wait.empty() ? "" : " and wait"));
        if (request.id != "mine" && request.id != "wide" && request.id != "exec") co_return not_found("no run \"" + request.id + "\"");
        co_return run_of(request.id);
    }
    awaitable<Result<RunPage>> runs(RunsQuery) override {
        RunPage page;
        for (const char* id : {"exec", "wide", "mine"}) page.items.push_back(run_of(id));
        page.next = "an older one of others";
        return give("runs", page);
    }
    awaitable<Result<NodeResultList>> results(RunRef request) override {
        NodeResultList list;
        for (const auto& name : nodes_of(request.id)) {
            NodeResultView result;
            result.node = name;
            result.state = name == "n2" ? "failed" : "ok";
            list.items.push_back(result);
        }
        return give("results " + request.id, list);
    }
    awaitable<Result<OutputGroupList>> gathered(RunRef request) override {
        OutputGroupList list;
        list.items.resize(1);
        list.items[0].nodes = fold_nodeset(nodes_of(request.id));
        list.items[0].count = static_cast<std::uint32_t>(nodes_of(request.id).size());
        return give("gathered " + request.id, list);
    }
    awaitable<Result<JobList>> jobs(JobsQuery query) override {
        JobList list;
        for (const char* name : {"mine", "wide"}) {
            if (!query.name.empty() && query.name != name) continue;
            JobView job;
            job.name = name;
            job.targets = fold_nodeset(nodes_of(name));
            job.nodes = static_cast<std::uint32_t>(nodes_of(name).size());
            job.after = "wide";
            list.items.push_back(job);
        }
        note("jobs");
        if (list.items.empty()) co_return not_found("there is no job; did you mean \"wide\"?");
        co_return list;
    }
    awaitable<Result<JobView>> job(JobName request) override {
        JobsQuery query;
        query.name = request.name;
        auto list = co_await jobs(std::move(query));
        if (!list) co_return list.error();
        co_return list->items.at(0);
    }
    awaitable<Result<NodeList>> nodes(NodesQuery query) override {
        note("nodes " + query.targets);
        auto names = std::vector<std::string>{"n1", "n2"};
        if (!query.targets.empty()) names = expand_nodeset(query.targets).value();
        NodeList list;
        for (const auto& name : names) {
            if (name != "n1" && name != "n2") co_return not_found("there is no node; did you mean \"n2\"?");
            list.items.emplace_back().name = name;
        }
        co_return list;
    }
    awaitable<Result<WhyView>> why(WhyQuery request) override {
        if (request.subject != "mine" && request.subject != "wide") co_return not_found("there is no job; did you mean \"wide\"?");
        if (!request.at.empty()) co_return usage_error(request.subject + ": that is no time");
        WhyView view;
        view.job = request.subject;
        view.run = request.subject;
        view.because = {"it follows wide"};
        co_return view;
    }
    awaitable<Result<DueList>> next(NextQuery) override {
        DueList list;
        for (const char* name : {"mine", "wide"}) list.items.push_back({name, "", "", ""});
        return give("next", list);
    }
    awaitable<Result<PlanView>> plan_job(StartJob request) override { return plan(nodes_of(request.job)); }
    awaitable<Result<PlanView>> plan_retry(StartRetry request) override { return plan(nodes_of(request.id)); }
    awaitable<Result<PlanView>> plan_exec(StartExec request) override { return plan(expand_nodeset(request.targets).value()); }
    awaitable<Result<RunView>> start_job(Caller caller, StartJob request) override {
        return give("start_job " + caller.by + " " + request.job + " " + request.limit, run_of("mine"));
    }

    static std::vector<std::string> nodes_of(const std::string& id) {
        return id == "mine" ? std::vector<std::string>{"n1"} : std::vector<std::string>{"n1", "n2"};
    }
    static RunView run_of(const std::string& id) {
        RunView run;
        run.id = id;
        run.job = id == "exec" ? "" : id;
        run.state = "failed";
        run.message = "n2 has failed";
        run.targets = static_cast<std::uint32_t>(nodes_of(id).size());
        run.upstream = {"a run of another job"};
        run.counts = {{"ok", 1}};
        if (run.targets == 2) run.counts["failed"] = 1;
        return run;
    }

private:
    awaitable<Result<PlanView>> plan(std::vector<std::string> names) {
        PlanView view;
        view.targets = fold_nodeset(names);
        view.count = static_cast<std::uint32_t>(names.size());
        return give("plan", view);
    }
};

/// The fleet behind a server, and tokens for it.
struct FleetBench {
    MemoryTokens store;
    TokenBook book{&store};
    Catalog catalog;
    Fleet fleet;
    HttpBench http;
    Instant now{std::chrono::seconds(1000)};

    FleetBench() {
        for (const char* name : {"n1", "n2"}) catalog.nodes.emplace_back().name = name;
        http.close();
        http.served = &fleet;
        http.check_token = [this](std::string token) -> awaitable<Result<Principal>> { co_return book.find(token, now); };
        http.server = http.start().value();
    }
    std::string token(const std::string& name, const std::string& scope, std::vector<std::string> jobs = {}, std::string nodes = {},
                      std::string expires = {}) {
        CreateToken request;
        request.name = name;
        request.scope = scope;
        request.jobs = std::move(jobs);
        request.nodes = std::move(nodes);
        request.expires = std::move(expires);
        return book.create(request, "user:anna", catalog, now).value().token;
    }
    std::string ask(const std::string& method, const std::string& path, const std::string& token, const std::string& body = "") {
        auto text = method + " /api/v1" + path + " HTTP/1.1\r\nHost: loom\r\nConnection: close\r\n";
        if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
        if (method == "POST") text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
        return http.raw(text + "\r\n" + body);
    }
    static unsigned status(const std::string& reply) { return reply.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(reply.substr(9, 3))); }
    static boost::json::value body(const std::string& reply) { return boost::json::parse(reply.substr(reply.find("\r\n\r\n") + 4)); }
};

struct Sample {
    std::string path, body;
};

/// A request of this row about the job `mine`, its run and the node n1.
Sample sample_of(const HttpRoute& route) {
    static const std::map<std::string, std::string> bodies{
        {"/jobs/pause", R"({"job":"mine","reason":"x"})"}, {"/jobs/resume", R"({"job":"mine"})"},
        {"/plan/job", R"({"job":"mine"})"}, {"/runs", R"({"job":"mine"})"}, {"/plan/exec", R"({"targets":"n1","command":"uptime"})"},
        {"/exec", R"({"targets":"n1","command":"uptime"})"}, {"/plan/retry", R"({"id":"mine"})"}, {"/plan/backfill", R"({"job":"mine"})"},
        {"/tokens", R"({"name":"x"})"}};
    Sample sample;
    sample.path = route.pattern.substr(api_root.size());
    if (route.method == HttpMethod::post && bodies.contains(sample.path)) sample.body = bodies.at(sample.path);
    if (sample.path == "/runs/{id}/output") sample.path += "?node=n1";
    if (sample.path == "/why") sample.path += "?subject=mine";
    for (const auto& [field, value] : std::map<std::string, std::string>{{"{rule}", "mine"}, {"{id}", "mine"}, {"{node}", "n1"}, {"{name}", "mine"}})
        if (const auto at = sample.path.find(field); at != std::string::npos) sample.path.replace(at, field.size(), value);
    return sample;
}

/// What somebody with all scopes, but only for another job, or only for another node, is answered.
unsigned other_job(const HttpRoute& route) {
    if (route.touches == Touches::everything) return 403;
    if (route.touches == Touches::job || route.touches == Touches::run) return 404;
    if (route.touches == Touches::work) return route.pattern.ends_with("/exec") ? 403 : 404;
    return 200;
}

unsigned other_node(const HttpRoute& route) {
    if (route.touches == Touches::everything) return 403;
    if (route.touches == Touches::job || route.touches == Touches::run || route.touches == Touches::node) return 404;
    if (route.touches == Touches::work) return route.pattern.ends_with("/exec") ? 403 : 404;
    return 200;
}

} // namespace

TEST_CASE("each route answers each caller as its row says") {
    FleetBench bench;
    const auto expired = bench.token("old", "admin", {}, {}, "1s");
    const auto revoked = bench.token("gone", "admin");
    REQUIRE(bench.book.revoke("gone", bench.now).has_value());
    bench.now += std::chrono::seconds(10);
    const std::map<AccessScope, std::string> scopes{{AccessScope::read, bench.token("r", "read")},
                                                    {AccessScope::operate, bench.token("o", "operate")},
                                                    {AccessScope::admin, bench.token("a", "admin")}};
    const auto of_other_job = bench.token("job", "admin", {"other-*"});
    const auto of_other_node = bench.token("node", "admin", {}, "n2");
    for (const auto& route : http_routes()) {
        const auto sample = sample_of(route);
        const std::string method(to_string(route.method));
        CAPTURE(method, sample.path);
        const auto status = [&](const std::string& token) { return FleetBench::status(bench.ask(method, sample.path, token, sample.body)); };
        for (const auto& bad : {std::string("garbage"), std::string("loom_") + std::string(64, '0'), expired, revoked}) {
            const auto reply = bench.ask(method, sample.path, bad, sample.body);
            CHECK(FleetBench::status(reply) == 401);
            CHECK(reply.find("WWW-Authenticate: Bearer") != std::string::npos);
            CHECK(reply.find("application/problem+json") != std::string::npos);
        }
        for (const auto& [scope, token] : scopes) CHECK(status(token) == (scope >= route.scope ? 200u : 403u));
        CHECK(status(of_other_job) == other_job(route));
        // The job `mine` is not on n2, and `wide` is.
        CHECK(status(of_other_node) == other_node(route));
    }
}

TEST_CASE("lists hold what a token may see, and counts say nothing of the rest") {
    FleetBench bench;
    const auto mine = bench.token("mine", "read", {"mi*"});
    const auto n1 = bench.token("n1", "read", {}, "n1");
    const auto n2 = bench.token("n2", "read", {}, "n2");
    const auto names = [&](const std::string& method, const std::string& path, const std::string& token, const char* field) {
        std::string all;
        const auto body = FleetBench::body(bench.ask(method, path, token));
        for (const auto& item : body.at("items").as_array()) all += std::string(item.at(field).as_string()) + " ";
        return all;
    };
    CHECK(names("GET", "/runs", mine, "id") == "mine ");
    CHECK(names("GET", "/jobs", mine, "name") == "mine ");
    CHECK(names("GET", "/next", mine, "job") == "mine ");
    CHECK(names("POST", "/nodes/search", mine, "name") == "n1 n2 ");
    CHECK(names("GET", "/runs", n1, "id") == "exec wide mine ");
    CHECK(names("GET", "/runs", n2, "id") == "exec wide ");
    CHECK(names("GET", "/jobs", n2, "name") == "wide ");
    CHECK(names("GET", "/next", n2, "job") == "wide ");
    CHECK(names("POST", "/nodes/search", n2, "name") == "n2 ");
    CHECK(names("GET", "/runs/wide/nodes", n1, "node") == "n1 ");
    CHECK(names("GET", "/runs/wide/gathered", n2, "nodes") == "n2 ");

    const auto run = FleetBench::body(bench.ask("GET", "/runs/wide", n1));
    CHECK(run.at("targets") == 1);
    CHECK(boost::json::serialize(run.at("counts")) == R"({"ok":1})");
    CHECK(run.at("message") == "");
    CHECK(run.at("upstream").as_array().empty());
    const auto job = FleetBench::body(bench.ask("GET", "/jobs/wide", n1));
    CHECK(job.at("targets") == "n1");
    CHECK(job.at("nodes") == 1);
    CHECK(job.at("after") == "");
    CHECK(FleetBench::body(bench.ask("GET", "/jobs/mine", mine)).at("after") == "");
    const auto why = boost::json::serialize(FleetBench::body(bench.ask("GET", "/why?subject=mine", mine)));
    CHECK(why.find("wide") == std::string::npos);
    const auto catalog = FleetBench::body(bench.ask("GET", "/catalog", mine));
    CHECK(catalog.at("problems").as_array().empty());
    CHECK(FleetBench::body(bench.ask("GET", "/runs/last", mine)).at("id") == "mine");
    CHECK(FleetBench::body(bench.ask("GET", "/why?subject=last", mine)).at("run") == "mine");
    // Where the next page begins is told by a run that the token sees.
    CHECK(FleetBench::body(bench.ask("GET", "/runs", mine)).at("next") == "mine");
}

TEST_CASE("what a token may not see is answered as what is nowhere") {
    FleetBench bench;
    const auto mine = bench.token("mine", "admin", {"mine"});
    const auto n1 = bench.token("n1", "admin", {}, "n1");
    const auto text = [&](const std::string& path, const std::string& token, const std::string& name) {
        auto reply = bench.ask("GET", path + name, token);
        reply = reply.substr(reply.find("\r\n\r\n"));
        for (auto at = reply.find(name); at != std::string::npos; at = reply.find(name)) reply.replace(at, name.size(), "X");
        return reply;
    };
    CHECK(text("/jobs/", mine, "wide") == text("/jobs/", mine, "nowhere"));
    CHECK(text("/runs/", mine, "wide") == text("/runs/", mine, "nowhere"));
    CHECK(text("/runs/", mine, "exec") == text("/runs/", mine, "nowhere"));
    CHECK(text("/nodes/", n1, "n2") == text("/nodes/", n1, "n3"));
    CHECK(text("/runs/wide/output?node=", n1, "n2") == text("/runs/wide/output?node=", n1, "n3"));
    const auto n2 = bench.token("n2", "admin", {}, "n2");
    CHECK(text("/why?at=x&subject=", n2, "mine") == text("/why?at=x&subject=", n2, "nowhere"));
    // Nor does it take longer: nobody waits for the end of what is not to be seen.
    CHECK(FleetBench::status(bench.ask("GET", "/runs/wide?wait=5s", mine)) == 404);
    CHECK(FleetBench::status(bench.ask("GET", "/runs/mine?wait=5s", mine)) == 200);
    const auto calls = bench.fleet.calls();
    CHECK(std::count(calls.begin(), calls.end(), "run wide and wait") == 0);
    CHECK(std::count(calls.begin(), calls.end(), "run mine and wait") == 1);
}

TEST_CASE("a token starts and ends only what lies within it") {
    FleetBench bench;
    const auto mine = bench.token("mine", "operate", {"mine"});
    const auto n1 = bench.token("n1", "operate", {}, "n1");
    const auto any = bench.token("any", "operate");
    const auto status = [&](const std::string& path, const std::string& token, const std::string& body) {
        return FleetBench::status(bench.ask("POST", path, token, body));
    };
    CHECK(status("/runs", mine, R"({"job":"mine"})") == 200);
    CHECK(status("/runs", mine, R"({"job":"wide"})") == 404);
    CHECK(status("/exec", mine, R"({"targets":"n1","command":"id"})") == 403);
    CHECK(status("/runs", mine, R"({"job":"mine","check":true})") == 403); // a check is no run of the job: it would not see it
    CHECK(status("/runs", any, R"({"job":"mine","check":true})") == 200);
    CHECK(status("/jobs/pause", mine, R"({"job":"wide","reason":"x"})") == 404);
    CHECK(status("/jobs/pause", mine, R"({"all":true,"reason":"x"})") == 403);
    CHECK(status("/runs", n1, R"({"job":"mine"})") == 200);
    CHECK(status("/runs", n1, R"({"job":"wide"})") == 403);
    CHECK(status("/runs/wide/cancel", n1, "") == 403);
    CHECK(status("/runs/wide/retry", n1, "") == 403);
    CHECK(status("/runs/mine/cancel", n1, "") == 200);
    CHECK(status("/jobs/pause", n1, R"({"job":"wide","reason":"x"})") == 403);
    CHECK(status("/exec", n1, R"({"targets":"n1","command":"id"})") == 200);
    CHECK(status("/exec", n1, R"({"targets":"n[1-2]","command":"id"})") == 403);
    // What works on the daemon's own host is an administrator's, whatever the nodes.
    for (const char* body : {R"({"targets":"n1","task":"fabric.api.local","kwargs":{"command":"id"}})", R"({"targets":"n1","task":"fabric.api.put"})", R"({"targets":"n1","task":"loom.files.template"})",
                             R"({"targets":"n1","task":"loom.nginx.site"})", R"({"targets":"n1","task":"ours.deploy"})",
                             R"({"targets":"elsewhere","command":"id","adhoc":true})", R"({"targets":"n1","command":"id","identity":"/root/.ssh/id_ed25519"})"})
        CHECK(status("/exec", any, body) == 403);
    CHECK(status("/exec", any, R"({"targets":"n1","command":"id"})") == 200);
    CHECK(status("/exec", any, R"({"targets":"n1","task":"fabric.api.sudo","kwargs":{"command":"id"}})") == 200);
    CHECK(status("/exec", any, R"({"targets":"n1","task":"loom.system.service","kwargs":{"name":"nginx","state":"started"}})") == 200);
    // What was looked at is what is started.
    const auto calls = bench.fleet.calls();
    CHECK(std::count(calls.begin(), calls.end(), "start_job token:n1 mine n1") == 1);
}

TEST_CASE("the nodes that failed in a run are told to who sees that run") {
    FleetBench bench;
    const auto mine = bench.token("mine", "operate", {"mine"});
    const auto status = [&](const std::string& path, const std::string& body) { return FleetBench::status(bench.ask("POST", path, mine, body)); };
    CHECK(status("/nodes/search", R"({"targets":"n1!@failed:wide"})") == 404);
    CHECK(status("/nodes/search", R"({"targets":"@failed:last"})") == 400);
    CHECK(status("/runs", R"x({"job":"mine","limit":"(@failed:wide)"})x") == 404);
    CHECK(status("/runs", R"({"job":"mine","limit":"@failed:mine"})") == 200);
    CHECK(runs_in("a,@failed:x&(@failed:y)!@fail:z") == std::vector<std::string>{"x", "y"});
}

TEST_CASE("events of a run tell a token of its own nodes alone") {
    Sight sight;
    sight.grant.nodes = "n1";
    sight.nodes = std::set<std::string, std::less<>>{"n1"};
    const auto seen = [&](std::string type, boost::json::object data) {
        Event event;
        event.type = std::move(type);
        event.data = std::move(data);
        if (!narrow(event, sight)) return std::string("-");
        return boost::json::serialize(event.data);
    };
    CHECK(seen("node.finished", {{"result", {{"node", "n1"}}}, {"counts", {{"ok", 9}}}}) == R"({"result":{"node":"n1"}})");
    CHECK(seen("node.finished", {{"result", {{"node", "n2"}}}, {"counts", {{"ok", 9}}}}) == "-");
    CHECK(seen("node.output", {{"node", "n2"}, {"text", "secret"}}) == "-");
    CHECK(seen("node.output", {{"node", "n1"}, {"text", "x"}}) == R"({"node":"n1","text":"x"})");
    CHECK(seen("node.phase", {{"node", "n2"}, {"phase", "auth"}}) == "-");
    CHECK(seen("node.tried", {{"node", "n2"}, {"tried", "x"}}) == "-");
    CHECK(seen("node.tried", {{"node", "n1"}, {"tried", "x"}}) == R"({"node":"n1","tried":"x"})");
    CHECK(seen("wave.started", {{"wave", 1}, {"count", 7}}) == "-");
    CHECK(seen("nodes.started", {{"count", 7}}) == "-");
    CHECK(seen("gap", {}) == "{}");
    CHECK(seen("something.new", {{"nodes", "n[1-9]"}}) == "-");
}

TEST_CASE("an event stream ends when its token does") {
    HttpLimits limits;
    limits.heartbeat = std::chrono::milliseconds(20);
    FleetBench bench;
    bench.http.close();
    bench.http.settings.limits = limits;
    bench.fleet.hold = true;
    bench.http.server = bench.http.start().value();
    const auto token = bench.token("r", "read");
    asio::io_context context;
    UnixSocket socket(context);
    socket.connect(asio::local::stream_protocol::endpoint(bench.http.path));
    asio::write(socket, asio::buffer("GET /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\n\r\n"));
    std::string seen;
    while (seen.find(": still here") == std::string::npos) {
        char bytes[512];
        seen.append(bytes, socket.read_some(asio::buffer(bytes)));
    }
    REQUIRE(bench.book.revoke("r", bench.now).has_value());
    error_code ec;
    asio::read(socket, asio::dynamic_buffer(seen), ec);
    CHECK(ec == asio::error::eof);
}
