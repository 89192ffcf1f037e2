#include "core/task/library/library.hpp"

#include "core/model/task_params.hpp"
#include "core/task/registry.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>

using namespace loom;

namespace {

TaskSpec spec_of(std::string name, std::string_view args, std::string_view kwargs) {
    TaskSpec spec;
    spec.name = std::move(name);
    spec.args = boost::json::parse(args).as_array();
    spec.kwargs = boost::json::parse(kwargs).as_object();
    return spec;
}

/// What a load says of it; nothing: it is good.
std::string said_of(std::string name, std::string_view args, std::string_view kwargs = "{}") {
    static const auto tasks = standard_tasks();
    const auto made = tasks.make(spec_of(std::move(name), args, kwargs));
    return made ? std::string() : made.error().message;
}

const TaskInfo& info_of(std::string_view name) {
    for (const auto& row : task_library())
        if (row.info.name == name) return row.info;
    throw std::runtime_error("no such task");
}

} // namespace

TEST_CASE("arguments are judged by the table before anything runs") {
    CHECK(said_of("loom.files.directory", R"(["/srv/app", "0750", "app"])").empty());
    CHECK(said_of("loom.files.directory", R"(["/srv/app"])", R"({"mode": 750})").empty()); // YAML reads 0750 so
    CHECK(said_of("loom.files.directory", "[]") == "loom.files.directory: needs path: The folder; its parents are made too");
    CHECK(said_of("loom.files.directory", R"(["/a"])", R"({"mod": "0750"})") == "loom.files.directory: has no argument \"mod\" (did you mean \"mode\"?)");
    CHECK(said_of("loom.files.directory", R"(["/a"])", R"({"path": "/b"})") == "loom.files.directory: got path twice");
    CHECK(said_of("loom.files.directory", R"(["/a", "0750", "b", "c", "d"])") ==
          "loom.files.directory: takes 4 arguments at most: path, mode, owner, group");
    CHECK(said_of("loom.files.directory", R"(["/a", "0999"])") == "loom.files.directory: mode: expected octal permissions such as 0644, not \"0999\"");
    CHECK(said_of("loom.files.directory", R"(["~anna/a"])") == "loom.files.directory: path: expected a path (of the homes only ~/ is known), not \"~anna/a\"");
    CHECK(said_of("loom.files.directory", R"([["/a"]])") == "loom.files.directory: path: expected text, not a list");
    CHECK(said_of("loom.files.directory", R"(["/a", null])").empty());
    CHECK(said_of("loom.system.uptime", R"(["x"])") == "loom.system.uptime: takes no arguments");
    CHECK(said_of("loom.system.user", R"(["-r"])") == "loom.system.user: name: expected a name: one word that does not begin with -, not \"-r\"");
    CHECK(said_of("loom.system.user", R"(["anna"])", R"({"state": "presnt"})") ==
          "loom.system.user: state: expected present, absent, not \"presnt\" (did you mean \"present\"?)");
    CHECK(said_of("loom.system.user", R"(["anna"])", R"({"uid": "many"})") == "loom.system.user: uid: expected a whole number, not \"many\"");
    CHECK(said_of("loom.system.user", R"(["anna"])", R"({"system": "yes"})") == "loom.system.user: system: expected true or false, not \"yes\"");
    CHECK(said_of("loom.git.checkout", R"(["https://example.org/a", "/srv/a", 1.10])") == "loom.git.checkout: version: expected text: put the number in quotes");
    CHECK(said_of("loom.files.line", R"(["/a", true])") == "loom.files.line: line: expected text: put true and false in quotes");
    CHECK(said_of("loom.debian.install", R"(["nginx"])").empty()); // one stands for itself
    CHECK(said_of("loom.debian.install", "[[]]") == "loom.debian.install: packages: expected one at least, not an empty list");
    CHECK(said_of("loom.debian.install", R"([["nginx", "a b"]])") ==
          "loom.debian.install: packages: expected a name: one word that does not begin with -, not \"a b\"");
    CHECK(said_of("loom.http.wait", R"(["https://example.org"])", R"({"timeout": "soon"})").starts_with("loom.http.wait: timeout: "));
    CHECK(said_of("loom.files.template", R"(["app.conf", "/etc/app.conf"])") ==
          "loom.files.template: source: expected a path of Loom's own host, from / or ~/, not \"app.conf\"");
}

TEST_CASE("what parameters ask of each other is asked too") {
    CHECK(said_of("loom.files.line", R"(["/a"])") == "loom.files.line: needs line: the whole line, without its end");
    CHECK(said_of("loom.files.line", R"(["/a"])", R"({"state": "absent", "match": "x"})").empty());
    CHECK(said_of("loom.system.service", R"(["nginx"])") == "loom.system.service: needs state or boot");
    CHECK(said_of("loom.system.cron", R"(["a"])") == "loom.system.cron: needs schedule and command");
    CHECK(said_of("loom.system.cron", R"(["a"])", R"({"state": "absent"})").empty());
    CHECK(said_of("loom.port.wait", "[70000]") == "loom.port.wait: port: expected a number from 1 to 65535");
    CHECK(said_of("loom.http.wait", R"(["ftp://example.org"])") == "loom.http.wait: url: expected http://… or https://…");
    CHECK(said_of("loom.apache.site", R"(["../x"])") == "loom.apache.site: name: expected a name, not a path");
    CHECK(said_of("loom.git.checkout", R"(["--upload-pack=x", "/a"])") == "loom.git.checkout: repository: expected an address, not an option");
}

TEST_CASE("placeholders are counted as given before they are filled in") {
    CHECK(said_of("loom.port.wait", R"(["{{ node.vars.port }}"])").empty());
    CHECK(said_of("loom.files.directory", R"(["{{ node.vars.folder }}", "{{ node.vars.mode }}"])").empty());
    CHECK(said_of("loom.http.wait", R"(["{{ node.vars.url }}"])").empty());
    CHECK(said_of("loom.system.user", R"(["anna"])", R"({"uid": "{{ uid }}"})") == "loom.system.user: uid: expected a whole number, not \"{{ uid }}\"");
}

TEST_CASE("where all arguments are maps, each is one application") {
    const auto& info = info_of("loom.system.add_sshfs_mount");
    const auto seed = spec_of(std::string(info.name), R"([{"host": "root@staging", "remotepath": "/mnt/storage", "mountpoint": "/mnt/storage", "excludes": ["staging"]}])", "{}");
    const auto one = read_arguments(info, seed).value();
    REQUIRE(one.size() == 1);
    CHECK(one[0].text("host") == "root@staging");
    CHECK(one[0].texts("excludes") == std::vector<std::string>{"staging"});
    CHECK(one[0].text("mountpoint") == "/mnt/storage");

    const auto two = read_arguments(info_of("loom.system.user"), spec_of("loom.system.user", R"([{"name": "a"}, {"name": "b", "uid": 7}])", R"({"shell": "/bin/sh"})")).value();
    REQUIRE(two.size() == 2);
    CHECK((two[0].text("name") == "a" && two[1].text("name") == "b"));
    CHECK((two[0].text("shell") == "/bin/sh" && two[1].text("shell") == "/bin/sh"));
    CHECK((!two[0].has("uid") && two[1].number("uid") == 7));
    CHECK(said_of("loom.system.user", R"([{"name": "a"}])", R"({"name": "b"})") == "loom.system.user: got name twice");
}

TEST_CASE("what is left out has the value that the table shows") {
    const auto arguments = read_arguments(info_of("loom.http.wait"), spec_of("loom.http.wait", R"(["http://a"])", R"({"interval": "off"})")).value().front();
    CHECK(arguments.number("status") == 200);
    CHECK(arguments.duration("timeout") == std::chrono::minutes(1));
    CHECK(arguments.duration("interval") == Milliseconds(0));
    CHECK(!arguments.flag("insecure"));
    CHECK(!arguments.has("contains"));
}

TEST_CASE("the table is in order and says what it must") {
    std::string_view last;
    for (const auto& row : task_library()) {
        INFO(row.info.name);
        CHECK(last < row.info.name);
        last = row.info.name;
        CHECK(row.info.summary.ends_with('.'));
        CHECK((row.info.notes.empty() || row.info.notes.ends_with('.')));
        CHECK(row.script.empty() == (row.make != nullptr && row.info.name != "loom.system.reboot"));
        bool optional = false;
        for (const auto& parameter : row.info.parameters) {
            INFO(parameter.name);
            CHECK(!parameter.about.ends_with('.'));
            CHECK((parameter.kind == ParameterKind::choice) == !parameter.choices.empty());
            CHECK((!parameter.required || parameter.value.empty()));
            CHECK((!parameter.required || !optional)); // by place, what must be given comes first
            optional = optional || !parameter.required;
            Arguments arguments;
            if (!parameter.value.empty()) CHECK(arguments.set(parameter, boost::json::value(parameter.value)).has_value());
        }
    }
}

TEST_CASE("what is for commands alone is refused with a task of the library") {
    static const auto tasks = standard_tasks();
    auto spec = spec_of("loom.system.uptime", "[]", "{}");
    spec.env["A"] = "1";
    spec.cwd = "/srv";
    spec.become.emplace();
    CHECK(tasks.make(spec).has_value());
    spec.become->user = "-u";
    CHECK(tasks.make(spec).error().message == "user: \"-u\" is no user's name");
    spec.become.reset();
    spec.pty = true;
    CHECK(tasks.make(spec).error().message == "loom.system.uptime: knows no stdin, pty and on_link_loss: they are for commands");
}

TEST_CASE("a foreign value gets into no shell line unquoted and into no path of this host") {
    const auto refused = [](std::string name, std::string_view args, std::string_view kwargs = "{}") { return !check_params(spec_of(std::move(name), args, kwargs)); };
    CHECK(refused("loom.system.run_daemon_cmd", R"(["run {{ params.x }}"])"));
    CHECK(!refused("loom.system.run_daemon_cmd", R"(["run {{ params.x | quote }}"])"));
    CHECK(refused("loom.system.cron", R"([{"name": "a", "schedule": "@daily", "command": "{{ params.x }}"}])"));
    CHECK(refused("loom.files.put", R"([["/a", "/srv/{{ params.x }}"], "/b"])"));
    CHECK(refused("loom.nginx.site", "[]", R"({"name": "a", "template": "/srv/{{ params.x }}"})"));
    CHECK(!refused("loom.git.checkout", R"(["https://example.org/a", "/srv/a", "{{ params.commit }}"])"));
}
