#include "core/task/registry.hpp"

#include "support/catch.hpp"

#include <spdlog/fmt/fmt.h>

using namespace loom;

namespace {

TaskSpec spec(std::string name, boost::json::array args, boost::json::object kwargs = {}) {
    TaskSpec made;
    made.name = std::move(name);
    made.args = std::move(args);
    made.kwargs = std::move(kwargs);
    return made;
}

} // namespace

TEST_CASE("the shell tasks of the standard library are available") {
    const auto tasks = standard_tasks();
    for (const auto* name : {"fabric.api.run", "fabric.api.sudo", "fabric.api.local"})
        CHECK(tasks.make(spec(name, {"uptime"})).has_value());
    CHECK_FALSE(tasks.make(spec("fabric.api.local", {"uptime"})).value()->needs_remote());
}

TEST_CASE("an unknown task gets a near name") {
    const auto tasks = standard_tasks();
    const auto unknown = tasks.make(spec("fabric.api.rum", {"x"}));
    CHECK(unknown.error().code == Errc::not_found);
    CHECK(unknown.error().message == "unknown task \"fabric.api.rum\" (did you mean \"fabric.api.run\"?)");
}

TEST_CASE("wrong arguments of a shell task are told apart") {
    const auto tasks = standard_tasks();
    const auto message = [&](const TaskSpec& given) { return tasks.make(given).error().message; };
    CHECK(message(spec("fabric.api.run", {})) == "fabric.api.run needs a command: args: [\"…\"]");
    CHECK(message(spec("fabric.api.run", {7})) == "fabric.api.run: the command must be text");
    CHECK(message(spec("fabric.api.run", {" "})) == "fabric.api.run: the command is empty");
    CHECK(message(spec("fabric.api.run", {"a", "b"})) ==
          "fabric.api.run takes one argument, the shell line; pass others in kwargs");
    CHECK(message(spec("fabric.api.sudo", {"a"}, {{"usr", "x"}})) ==
          "fabric.api.sudo has no argument \"usr\" (did you mean \"user\"?)");
    CHECK(message(spec("fabric.api.run", {"a"}, {{"command", "b"}})) == "fabric.api.run got its command twice");
}

TEST_CASE("ways to run a command that exclude each other are refused") {
    const auto tasks = standard_tasks();
    const auto message = [&](const TaskSpec& given) { return tasks.make(given).error().message; };
    auto both = spec("fabric.api.run", {"a"});
    both.input = std::make_shared<const std::string>("text");
    CHECK(tasks.make(both).has_value());
    both.end_with_link = true;
    CHECK(message(both) == "\"stdin\" and \"on_link_loss: kill\" exclude each other: the second needs the stream for itself");
    auto local = spec("fabric.api.local", {"a"});
    local.become.emplace();
    CHECK(message(local) == "fabric.api.local knows no stdin, pty, on_link_loss and become: they are for commands on nodes");
    CHECK(message(spec("fabric.api.sudo", {"a"}, {{"user", "-u root"}})) == "user: \"-u root\" is no user's name");
}

namespace {

/// Keeps what a task asks of its node.
class Recorder final : public Remote {
public:
    awaitable<Outcome> exec(ExecRequest request, StopToken) override {
        asked = std::move(request);
        co_return Outcome{};
    }
    awaitable<Outcome> put(PutRequest, StopToken) override { co_return Outcome{}; }
    awaitable<Outcome> get(GetRequest, StopToken) override { co_return Outcome{}; }
    awaitable<void> close() override { co_return; }
    ExecRequest asked;
};

} // namespace

TEST_CASE("a job's become is completed by its node's") {
    Node node;
    node.become.user = "db";
    node.become.password = Secret("geheim");
    const auto asked_of = [&](const TaskSpec& given) {
        Recorder remote;
        TaskContext context;
        context.node = &node;
        context.remote = &remote;
        asio::io_context io;
        const auto task = standard_tasks().make(given).value();
        asio::co_spawn(io, task->run(context), [](std::exception_ptr, const Outcome&) {});
        io.run();
        return remote.asked;
    };
    auto run = spec("fabric.api.run", {"id"});
    CHECK(!asked_of(run).become); // unless it is asked for
    run.become.emplace();
    CHECK(asked_of(run).become == node.become);
    run.become->user = "web";
    CHECK(asked_of(run).become->user == "web");
    CHECK(asked_of(run).become->password.reveal() == "geheim");
    CHECK(asked_of(run).command == "id");
    CHECK(asked_of(spec("fabric.api.sudo", {"id"})).become == node.become);
    CHECK(asked_of(spec("fabric.api.sudo", {"id"}, {{"user", "www"}})).become->user == "www");
}

TEST_CASE("work is described by its command text") {
    CHECK(describe_task(spec("fabric.api.run", {"uptime"})) == "uptime");
    CHECK(describe_task(spec("fabric.api.sudo", {"id"})) == "sudo: id");
    CHECK(describe_task(spec("loom.system.add_sshfs_mount", {})) == "loom.system.add_sshfs_mount");
}

TEST_CASE("wrong arguments of a file task are told apart") {
    const auto tasks = standard_tasks();
    const auto message = [&](const TaskSpec& given) {
        const auto made = tasks.make(given);
        return made ? std::string() : made.error().message;
    };
    const auto put = [&](boost::json::array args, boost::json::object kwargs = {}) {
        return message(spec("fabric.api.put", std::move(args), std::move(kwargs)));
    };
    CHECK(put({"/a", "b"}).empty());
    CHECK(put({"~/a", "~/b"}, {{"mode", "0644"}}).empty());
    CHECK(put({boost::json::object{}, "b"}) == "fabric.api.put: local_path: expected text, not a map");
    CHECK(put({}, {{"local_path", boost::json::array{"/a", "/b"}}, {"remote_path", "c/"}, {"mode", 644}}).empty());
    CHECK(put({"/a", "b"}, {{"use_sudo", false}}).empty());
    CHECK(put({"/a", "b"}, {{"use_sudo", true}}).starts_with("fabric.api.put: use_sudo is not supported: SFTP works as"));
    CHECK(put({"/a"}) == "fabric.api.put: needs remote_path: Where it goes; a folder when it ends in / or there are several sources");
    CHECK(put({}, {{"remote_path", "b"}}).starts_with("fabric.api.put: needs local_path: "));
    CHECK(put({"a", "b"}) == "fabric.api.put: local_path: expected a path of Loom's own host, from / or ~/, not \"a\"");
    CHECK(put({"/a", "~anna/b"}) == "fabric.api.put: remote_path: expected a path (of the homes only ~/ is known), not \"~anna/b\"");
    CHECK(put({"/a", "b"}, {{"mode", 888}}) == "fabric.api.put: mode: expected octal permissions such as 0644, not \"888\"");
    CHECK(put({"/a", "b"}, {{"mode", "10000"}}) == "fabric.api.put: mode: expected octal permissions such as 0644, not \"10000\"");
    CHECK(put({"/a", "b"}, {{"remote_path", "c"}}) == "fabric.api.put: got remote_path twice");
    CHECK(put({"/a", "b", false, true, 644}).empty()); // in Fabric's order
    CHECK(put({"/a", "b", false, true, 644, "c"}) ==
          "fabric.api.put: takes 5 arguments at most: local_path, remote_path, use_sudo, mirror_local_mode, mode");
    CHECK(put({"/a", "b"}, {{"remote", "c"}}) ==
          "fabric.api.put: has no argument \"remote\"");
    CHECK(message(spec("fabric.api.get", {"x", "/logs"})).empty());
    CHECK(message(spec("fabric.api.get", {"x"})) ==
          "fabric.api.get: needs local_path: The folder that receives NODE/NAME of each node; it is made");
    // Placeholders are still there when a manifest is loaded; other braces are text.
    CHECK(put({"{{ node.vars.file }}", "/b"}, {{"mode", "{{ node.vars.mode }}"}}).empty());
    CHECK(put({"{{ item }}", "/b"}).starts_with("fabric.api.put: local_path: expected a path of Loom's own host"));
    CHECK(put({"/a", "b"}, {{"mode", "{{ mode }}"}}).starts_with("fabric.api.put: mode: expected octal permissions"));
    CHECK(put({boost::json::array{"/a", ""}, "b/"}).starts_with("fabric.api.put: local_path: expected a path of Loom's own host"));
}

TEST_CASE("what is for commands alone is refused with files") {
    const auto tasks = standard_tasks();
    const auto put = spec("fabric.api.put", {"/a", "b"});
    const std::pair<const char*, std::function<void(TaskSpec&)>> rows[] = {
        {"become", [](TaskSpec& given) { given.become.emplace(); }},
        {"stdin", [](TaskSpec& given) { given.input = std::make_shared<const std::string>("x"); }},
        {"pty", [](TaskSpec& given) { given.pty = true; }},
        {"on_link_loss", [](TaskSpec& given) { given.end_with_link = true; }},
        {"env", [](TaskSpec& given) { given.env["A"] = "1"; }},
        {"cwd", [](TaskSpec& given) { given.cwd = "/srv"; }},
    };
    for (const auto& [name, set] : rows) {
        auto given = put;
        set(given);
        CHECK(tasks.make(given).error().message == fmt::format("fabric.api.put: \"{}\" is for commands, not for files", name));
    }
    auto get = spec("fabric.api.get", {"a", "/b"});
    get.pty = true;
    CHECK(!tasks.make(get));
}

TEST_CASE("a transfer is described by its paths") {
    CHECK(describe_task(spec("fabric.api.put", {"/a", "/b"})) == "put /a → /b");
    CHECK(describe_task(spec("fabric.api.get", {}, {{"remote_path", boost::json::array{"a", "b"}}, {"local_path", "/logs"}})) ==
          "get a b → /logs");
}
