#include "core/config/catalog_builder.hpp"
#include "core/task/registry.hpp"
#include "support/catch.hpp"
#include "support/catalog_texts.hpp"

using namespace loom;

namespace {

Result<Settings> settings(const std::string& text) { return read_settings({"/c/loom.yaml", text, false}, "/home/anna", "/state"); }

std::string fault(const std::string& text) {
    const auto read = settings("plugins:\n" + text);
    return read ? std::string() : read.error().message;
}

Plugin plugin(std::string name, std::vector<std::string> modules, std::vector<std::string> tasks = {}) {
    PluginSettings made;
    made.name = std::move(name);
    made.code.modules = std::move(modules);
    made.tasks = std::move(tasks);
    return made;
}

std::string served_by(const Plugins& plugins, std::string_view task, std::string_view named = {}) {
    const auto found = find_plugin(plugins, named, task);
    return found && *found ? (*found)->name : std::string();
}

TaskSpec spec(std::string name) {
    TaskSpec made;
    made.name = std::move(name);
    return made;
}

} // namespace

TEST_CASE("plugins are read with their defaults") {
    const auto read = settings("plugins:\n  ops:\n    paths: tasks\n  web:\n    paths: [~/web, /srv/web]\n    interpreter: python3.11\n"
                               "    virtualenv: venv\n    env: {A: 1}\n    network: true\n    isolation: none\n    tasks: [web, shop.front]\n"
                               "    limits: {memory: 1GiB, cpu: 5m, processes: 9, file_size: off, temp: 64MiB}\n");
    REQUIRE(read.has_value());
    REQUIRE(read->plugins.size() == 2);
    const auto& ops = *std::as_const(read->plugins[0]);
    CHECK(ops.paths == std::vector<std::string>{"/c/tasks"});
    CHECK(ops.isolation == Isolation::sandbox);
    CHECK_FALSE(ops.network);
    CHECK(ops.limits == PluginLimits());
    CHECK(ops.place == "/c/loom.yaml:2:3");
    const auto& web = *std::as_const(read->plugins[1]);
    CHECK(web.paths == std::vector<std::string>{"/home/anna/web", "/srv/web"});
    CHECK(web.interpreter == "python3.11");
    CHECK(web.virtualenv == "/c/venv");
    CHECK(web.env == std::map<std::string, std::string>{{"A", "1"}});
    CHECK(web.isolation == Isolation::none);
    CHECK(web.limits.memory_bytes == 1u << 30);
    CHECK(web.limits.file_bytes == 0);
    CHECK(web.limits.cpu == std::chrono::minutes(5));
}

TEST_CASE("without a word of plugins there is one beside loom.yaml, and none without loom.yaml") {
    const auto read = settings("");
    REQUIRE(read.has_value());
    REQUIRE(read->plugins.size() == 1);
    CHECK(std::as_const(read->plugins[0])->paths == std::vector<std::string>{"/c/plugins"});
    CHECK(read_settings({}, "/home/anna", "/state")->plugins.empty());
    CHECK(settings("jobspath: plugins/jobs\n")->plugins.empty());
    CHECK(settings("jobspath: plugins2\n")->plugins.size() == 1);
}

TEST_CASE("a fault of a plugin has its place and the near name") {
    CHECK(fault("  ops: {pathes: x}\n") == "/c/loom.yaml:2:9: plugins: ops: unknown key \"pathes\" (did you mean \"paths\"?)");
    CHECK(fault("  ops: {isolation: sandbx, paths: x}\n") ==
          "/c/loom.yaml:2:20: plugins: ops: isolation: expected one of sandbox, none, not \"sandbx\" (did you mean \"sandbox\"?)");
    CHECK(fault("  ops: {}\n") == "/c/loom.yaml:2:3: plugins: ops: missing key \"paths\": the folders of its modules (or \"command\")");
    CHECK(fault("  ops: {command: [ruby, w.rb], virtualenv: x}\n") ==
          "/c/loom.yaml:2:3: plugins: ops: \"interpreter\" and \"virtualenv\" are Python's: with \"command\" they mean nothing");
    CHECK(fault("  ops: {paths: x, env: {PYTHONPATH: y}}\n") ==
          "/c/loom.yaml:2:25: plugins: ops: env: PYTHONPATH is made of \"paths\": give the folder there");
    CHECK(fault("  ops: {paths: x, limits: {memory: 1MiB}}\n") ==
          "/c/loom.yaml:2:36: plugins: ops: limits: memory: less than 32 MiB: no interpreter begins with that");
}

TEST_CASE("the first plugin whose modules hold a task serves it, unless one is named") {
    const Plugins plugins{plugin("one", {"deploy", "shop"}), plugin("two", {"deploy", "fabric"}), plugin("three", {}, {"web", "shop.front.*"})};
    CHECK(served_by(plugins, "deploy.run") == "one");
    CHECK(served_by(plugins, "deploy.run", "two") == "two");
    CHECK(served_by(plugins, "web.x.y") == "three");
    CHECK(served_by(plugins, "website.x").empty());
    CHECK(served_by({plugins[2]}, "shop.front.open") == "three");
    CHECK(served_by({plugins[2]}, "shop.back.open").empty());
    CHECK(served_by(plugins, "fabric.api.run").empty());
    CHECK(served_by(plugins, "fabric.api.run", "two") == "two");
    CHECK(find_plugin(plugins, "tow", "x.y").error().message == "plugin: there is no plugin \"tow\" in loom.yaml (did you mean \"two\"?)");
}

TEST_CASE("a name that is neither built in nor a plugin's is unknown, with what is near") {
    const auto tasks = standard_tasks();
    const Plugins plugins{plugin("one", {"deploy"})};
    CHECK(tasks.make(spec("deploy.web"), plugins).has_value());
    CHECK(tasks.make(spec("deploy.web"), plugins).value()->needs_remote());
    CHECK(tasks.make(spec("deplyo.web"), plugins).error().message ==
          "unknown task \"deplyo.web\": no plugin has a module \"deplyo\" (did you mean \"deploy\"?)");
    CHECK(tasks.make(spec("fabric.api.rum"), plugins).error().message == "unknown task \"fabric.api.rum\" (did you mean \"fabric.api.run\"?)");
    CHECK(tasks.make(spec("deploy.web")).error().message == "unknown task \"deploy.web\"");
    auto with_input = spec("deploy.web");
    with_input.pty = true;
    CHECK(tasks.make(with_input, plugins).error().code == Errc::config);
    CHECK(tasks.make(spec("deploy"), {plugin("one", {"deploy"})}).error().message == "deploy: expected the dotted name of a callable, module.function");
}

TEST_CASE("a script is a command whose text is its input") {
    auto script = spec("loom.script");
    script.kwargs["path"] = "/c/backup.sh";
    script.input = std::make_shared<const std::string>("#!/bin/sh\necho $1\n");
    script.args = {"it's", 7};
    CHECK(standard_tasks().make(script).has_value());
    CHECK(describe_task(script) == "script: backup.sh");
    script.pty = true;
    CHECK(standard_tasks().make(script).error().message ==
          "script: its text is sent as standard input, which pty and on_link_loss: kill would take");
    script.pty = false;
    script.input.reset();
    CHECK_FALSE(standard_tasks().make(script).has_value());
}

TEST_CASE("a job's script is read once, and a job says one thing to do") {
    auto texts = tests::catalog_texts("jobs:\n  a: {script: a.sh, args: [x], targets: web1}\n  b: {script: a.sh, targets: web1}\n");
    int reads = 0;
    texts.read_script = [&](const std::string& path) -> Result<std::string> {
        ++reads;
        return path == "/c/jobs/a.sh" ? Result<std::string>("#!/bin/sh\n") : Result<std::string>(Error{Errc::config, "cannot read " + path});
    };
    const auto catalog = build_catalog(texts);
    REQUIRE(catalog.has_value());
    REQUIRE((*catalog)->jobs.size() == 2);
    CHECK((*catalog)->jobs[0].task->name == "loom.script");
    CHECK(*(*catalog)->jobs[0].task->input == "#!/bin/sh\n");
    CHECK(reads == 1);
    CHECK((*catalog)->scripts == std::vector<std::string>{"/c/jobs/a.sh"});
    const auto problems = [&](std::string lines) {
        texts.manifests[0].text = "jobs:\n  a:\n    targets: web1\n    schedule: '@daily'\n" + lines;
        return tests::problems_of(texts);
    };
    CHECK(problems("    script: b.sh\n") == "jobs/web.yaml:5:13: script: cannot read /c/jobs/b.sh\n");
    CHECK(problems("    script: a.sh\n    command: x\n") == "jobs/web.yaml:5:13: \"script\" and \"command\" exclude each other\n");
    CHECK(problems("    script: a.sh\n    stdin: x\n") == "jobs/web.yaml:6:12: \"stdin\" carries a script's own text: give what it reads as args or env\n");
    CHECK(problems("    command: x\n    plugin: ops\n") == "jobs/web.yaml:6:13: \"plugin\" says whose workers run a \"task\", and there is none\n");
}
