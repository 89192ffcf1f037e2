#include "core/task/library/script.hpp"
#include "core/task/placeholders.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>

using namespace loom;

namespace {

/// A node that answers each command with the next of its ends, and keeps what it was asked.
struct Answers {
    std::vector<ExecRequest> asked;
    std::vector<Outcome> ends;
    std::size_t next = 0;

    Outcome answer(ExecRequest request) {
        asked.push_back(std::move(request));
        return next < ends.size() ? ends[next++] : Outcome();
    }
};

class AnsweringRemote final : public Remote {
public:
    explicit AnsweringRemote(Answers& answers) : answers_(answers) {}
    awaitable<Outcome> exec(ExecRequest request, StopToken) override { co_return answers_.answer(std::move(request)); }
    awaitable<Outcome> put(PutRequest, StopToken) override { co_return Outcome{}; }
    awaitable<Outcome> get(GetRequest, StopToken) override { co_return Outcome{}; }
    awaitable<void> close() override { co_return; }

private:
    Answers& answers_;
};

/// Lets nobody in for the first `refuses` times.
class AnsweringConnector final : public Connector {
public:
    AnsweringConnector(Answers& answers, int refuses) : answers_(answers), refuses_(refuses) {}
    awaitable<Connected> connect(Node, Timeouts, StopToken, std::function<void(Phase)>) override {
        Connected connected;
        if (refuses_-- > 0) connected.unreached.message = "connection refused";
        else connected.remote = std::make_unique<AnsweringRemote>(answers_);
        co_return connected;
    }

private:
    Answers& answers_;
    int refuses_;
};

Outcome said(int status, std::string out) {
    Outcome outcome;
    outcome.state = status == 0 ? NodeState::ok : NodeState::failed;
    outcome.exit_status = status;
    outcome.out.text = std::move(out);
    return outcome;
}

struct Bench {
    Bench() { node.name = "web1"; }

    Outcome run(std::string name, std::string_view args, std::string_view kwargs = "{}", bool check = false) {
        TaskSpec spec;
        spec.name = std::move(name);
        spec.args = boost::json::parse(args).as_array();
        spec.kwargs = boost::json::parse(kwargs).as_object();
        spec.check = check;
        spec.become = become;
        const auto task = standard_tasks().make(spec).value();
        AnsweringRemote remote(answers);
        AnsweringConnector connector(answers, refuses);
        PlaceholderScope scope;
        scope.node = &node;
        TaskContext context;
        context.node = &node;
        context.remote = &remote;
        context.connector = &connector;
        context.scope = &scope;
        context.stop = stop;
        context.read_file = [this](std::string path) -> awaitable<Result<std::string>> { co_return read(path); };
        asio::io_context io;
        Outcome outcome;
        asio::co_spawn(io, task->run(context), [&](std::exception_ptr fault, Outcome ended) {
            if (fault) std::rethrow_exception(fault);
            outcome = std::move(ended);
        });
        io.run();
        return outcome;
    }

    Result<std::string> read(const std::string& path) const {
        const auto found = files.find(path);
        if (found == files.end()) return Error{Errc::config, "cannot read " + path + ": no such file"};
        return found->second;
    }

    Node node;
    Answers answers;
    std::map<std::string, std::string> files;
    std::optional<Become> become;
    StopToken stop;
    int refuses = 0;
};

} // namespace

TEST_CASE("a script goes to the node's own shell by its standard input") {
    Bench bench;
    bench.become.emplace();
    bench.node.become.user = "admin";
    bench.answers.ends = {said(script_changed, "make folder /srv\n")};
    const auto outcome = bench.run("loom.files.directory", R"(["/srv"])");
    CHECK(outcome.state == NodeState::changed);
    CHECK(outcome.out.text == "make folder /srv\n");
    REQUIRE(bench.answers.asked.size() == 1);
    CHECK(bench.answers.asked[0].command == "exec /bin/sh -s");
    CHECK(bench.answers.asked[0].become->user == "admin");
    CHECK(bench.answers.asked[0].input.find("\na_path=/srv\n") != std::string::npos);
    CHECK(bench.answers.asked[0].input.find("\ncheck=0\n") != std::string::npos);
    bench.run("loom.files.directory", R"(["/srv"])", "{}", true);
    CHECK(bench.answers.asked[1].input.find("\ncheck=1\n") != std::string::npos);
}

TEST_CASE("a template is filled in for its node, strictly") {
    Bench bench;
    bench.files["/srv/app.conf"] = "name {{ node.name }}\nport {{ node.vars.port }}\n{{ other }}\n";
    bench.node.vars["port"] = 80;
    bench.run("loom.files.template", R"(["/srv/app.conf", "/etc/app.conf"])");
    REQUIRE(bench.answers.asked.size() == 1);
    CHECK(bench.answers.asked[0].input.find("content='name web1\nport 80\n{{ other }}\n'\n") != std::string::npos);

    bench.node.vars.clear();
    auto outcome = bench.run("loom.files.template", R"(["/srv/app.conf", "/etc/app.conf"])");
    CHECK(outcome.state == NodeState::failed);
    CHECK(outcome.message == "/srv/app.conf: \"{{ node.vars.port }}\" has no value");
    outcome = bench.run("loom.nginx.site", R"(["shop", "enabled", "/srv/none"])");
    CHECK(outcome.message == "cannot read /srv/none: no such file");
    CHECK(bench.answers.asked.size() == 1);
    bench.run("loom.nginx.site", R"(["shop"])");
    CHECK(bench.answers.asked.size() == 2); // without a template there is nothing to read
}

TEST_CASE("a node that all applications exclude has nothing to do") {
    const auto passes = [](std::string_view args, std::string name) {
        TaskSpec spec;
        spec.name = "loom.system.add_sshfs_mount";
        spec.args = boost::json::parse(args).as_array();
        Node node;
        node.name = std::move(name);
        return standard_tasks().make(spec).value()->passes_over(node);
    };
    const std::string_view storage = R"([{"host": "a", "remotepath": "/x", "mountpoint": "/x", "excludes": ["staging"]}])";
    const std::string_view both = R"([{"host": "a", "remotepath": "/x", "mountpoint": "/x", "excludes": ["staging"]}, {"host": "b", "remotepath": "/y", "mountpoint": "/y"}])";
    CHECK(passes(storage, "staging") == "excludes: staging");
    CHECK(!passes(storage, "production"));
    CHECK(!passes(both, "staging"));
    Bench bench;
    bench.node.name = "staging";
    bench.run("loom.system.add_sshfs_mount", both);
    REQUIRE(bench.answers.asked.size() == 1);
    CHECK(bench.answers.asked[0].input.find("a_mountpoint=/x\n") == std::string::npos);
    CHECK(bench.answers.asked[0].input.find("a_mountpoint=/y\n") != std::string::npos);
}

TEST_CASE("a node that was told to boot is back when its boot id is another") {
    Bench bench;
    bench.refuses = 2;
    bench.answers.ends = {said(script_changed, "old-id\nboot the node\n"), said(0, "old-id\n"), said(0, "new-id\n")};
    const auto outcome = bench.run("loom.system.reboot", "[]", R"({"interval": "1ms"})");
    CHECK(outcome.state == NodeState::changed);
    CHECK(outcome.message.starts_with("back after "));
    CHECK(bench.answers.asked.size() == 3);
}

TEST_CASE("a node that does not come back has failed, and why is told") {
    Bench bench;
    bench.refuses = 1000;
    bench.answers.ends = {said(script_changed, "old-id\n")};
    auto outcome = bench.run("loom.system.reboot", "[]", R"({"interval": "1ms", "timeout": "5ms"})");
    CHECK(outcome.state == NodeState::failed);
    CHECK(outcome.message == "not back after 5ms: connection refused");

    Bench stays;
    stays.answers.ends = {said(script_changed, "old-id\n"), said(0, "old-id\n")};
    outcome = stays.run("loom.system.reboot", "[]", R"({"interval": "1ms", "timeout": "off"})");
    CHECK(outcome.message == "not back after 0ms: it answers, and has not booted");
}

TEST_CASE("a boot that nobody waits for ends when the node was told; a look tells nothing to it") {
    Bench bench;
    bench.answers.ends = {said(script_changed, "id\n"), said(script_changed, "id\n")};
    CHECK(bench.run("loom.system.reboot", "[]", R"({"wait": false})").state == NodeState::changed);
    CHECK(bench.run("loom.system.reboot", "[]", "{}", true).state == NodeState::changed);
    CHECK(bench.answers.asked.size() == 2);
}

TEST_CASE("a run that is cancelled waits no longer for a boot") {
    Bench bench;
    bench.stop.request(StopReason::cancelled);
    bench.answers.ends = {said(script_changed, "id\n")};
    const auto outcome = bench.run("loom.system.reboot", "[]");
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.message == "the node was told to boot; whether it is back is not known");
}
