#include "core/task/registry.hpp"

#include "support/catch.hpp"

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
    CHECK(tasks.available("fabric.api.run"));
    CHECK(tasks.available("fabric.api.sudo"));
    CHECK(tasks.available("fabric.api.local"));
    CHECK(tasks.make(spec("fabric.api.run", {"uptime"})).has_value());
    CHECK_FALSE(tasks.make(spec("fabric.api.local", {"uptime"})).value()->needs_remote());
}

TEST_CASE("a reserved task is known but unavailable, an unknown one gets a near name") {
    const auto tasks = standard_tasks();
    CHECK(tasks.make(spec("loom.system.add_sshfs_mount", {})).error().code == Errc::unavailable);
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

TEST_CASE("work is described by its command text") {
    CHECK(describe_task(spec("fabric.api.run", {"uptime"})) == "uptime");
    CHECK(describe_task(spec("fabric.api.sudo", {"id"})) == "sudo: id");
    CHECK(describe_task(spec("loom.system.add_sshfs_mount", {})) == "loom.system.add_sshfs_mount");
}
