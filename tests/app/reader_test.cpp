#include "app/files/reader.hpp"
#include "app/files/secret_source.hpp"
#include "app/files/text_file.hpp"
#include "app/process/command_output.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace loom;
using loom::tests::Folder;

namespace {

/// Surroundings that lead nowhere but into the folder.
Surroundings around(const Folder& folder) {
    Surroundings places;
    places.home = folder.path("home");
    places.config_home = folder.path("home/.config");
    places.state_home = folder.path("home/.local/state");
    places.system_run_dir = folder.path("run");
    return places;
}

std::string problem_lines(const Catalog& catalog) {
    std::string lines;
    for (const auto& problem : catalog.problems)
        lines += problem.place + ": " + problem.message + "\n";
    return lines;
}

Result<CatalogPtr> load(const Folder& folder) {
    return load_catalog(folder.path("loom.yaml"), standard_tasks(), around(folder));
}

std::string error_of(const boost::json::object& source) {
    const auto secret = read_secret(source);
    return secret ? "" : secret.error().message;
}

} // namespace

TEST_CASE("the seed's files load unchanged") {
    Folder folder;
    const auto catalog =
        load_catalog(LOOM_SOURCE_DIR "/examples/seed/loom.yaml", standard_tasks(), around(folder)).value();
    CHECK(catalog->node_names() == std::vector<std::string>{"db1", "db2", "db3", "db4", "production", "staging"});
    CHECK(catalog->find_node("production")->identity == folder.path("home/.ssh/loom/prod"));
    CHECK(catalog->find_node("staging")->address == "192.168.1.10");
    REQUIRE(catalog->job_names() == std::vector<std::string>{"mountstorage", "testtask"});
    CHECK(catalog->jobs[0].task->name == "loom.system.add_sshfs_mount");
    CHECK(catalog->jobs[0].task->args.at(0).at("remotepath") == "/mnt/storage");
    CHECK(catalog->jobs[1].targets->nodes == std::vector<std::string>{"db1", "db2", "db3", "db4"});
    CHECK(catalog->jobs[1].task->name == "fabric.api.run");
    for (const auto& problem : catalog->problems) CHECK(problem.kind == Problem::Kind::warning);
}

TEST_CASE("a path of a plugin that its workers cannot read is told with its place") {
    Folder folder;
    folder.write("plugins/tasks.py", "");
    folder.write("builds/app.tgz", "");
    folder.write("loom.yaml", "plugins:\n  ops: {paths: [plugins, missing], read: builds}\n  own: {paths: builds, isolation: none}\n");
    const auto missing = folder.path("loom.yaml") + ":2:26: ops: paths: " + folder.path("missing") + ": there is no such file or folder\n";
    CHECK(problem_lines(**load(folder)) == missing);

    // What the daemon is told by its surroundings holds for its workers, who are others where it is root.
    auto places = around(folder);
    places.root = true;
    const auto lines = [&] { return problem_lines(**load_catalog(folder.path("loom.yaml"), standard_tasks(), places)); };
    std::filesystem::permissions(folder.path("plugins"), std::filesystem::perms(0755));
    std::filesystem::permissions(folder.path("builds"), std::filesystem::perms(0750));
    CHECK(lines() == missing + folder.path("loom.yaml") + ":2:42: ops: read: " + folder.path("builds") +
                         ": its workers cannot read it: where the daemon is root, everybody must be able to\n");
    std::filesystem::permissions(folder.path("builds"), std::filesystem::perms(0755));
    CHECK(lines() == missing);
}

TEST_CASE("the first configuration that exists wins") {
    Folder folder;
    auto places = around(folder);
    CHECK(find_configuration("", places).value().starts_with(folder.path("")) == false);
    folder.write("home/.config/loom/loom.yaml");
    CHECK(find_configuration("", places).value() == folder.path("home/.config/loom/loom.yaml"));
    folder.write("home/.loom.yaml");
    CHECK(find_configuration("", places).value() == folder.path("home/.loom.yaml"));
    folder.write("home/.loom/loom.yaml");
    CHECK(find_configuration("", places).value() == folder.path("home/.loom/loom.yaml"));
    folder.write("own.yaml");
    places.loom_config = folder.path("missing.yaml") + "," + folder.path("own.yaml");
    CHECK(find_configuration("", places).value() == folder.path("own.yaml"));
    CHECK(find_configuration(folder.path("none") + ",~/.loom.yaml", places).value() == folder.path("home/.loom.yaml"));
    std::filesystem::create_symlink("own.yaml", folder.path("link.yaml"));
    CHECK(find_configuration(folder.path("link.yaml"), places).value() == folder.path("own.yaml"));
    const auto missing = find_configuration("/nowhere/a,/nowhere/b", places);
    CHECK(missing.error().code == Errc::config);
    CHECK(missing.error().message == "--config /nowhere/a,/nowhere/b: no such file");
}

TEST_CASE("state and socket have a place for each configuration") {
    Folder folder;
    auto places = around(folder);
    CHECK(default_state_dir("/etc/loom/loom.yaml", places) == "/var/lib/loom");
    const auto state = default_state_dir("/home/anna/loom.yaml", places);
    CHECK(state.starts_with(folder.path("home/.local/state/loom/")));
    CHECK(state != default_state_dir("/home/bob/loom.yaml", places));

    Settings settings;
    settings.file = "/home/anna/loom.yaml";
    settings.state_dir = state;
    CHECK(socket_path(settings, places).starts_with(state + "/"));
    std::filesystem::create_directories(folder.path("user"));
    places.runtime_dir = folder.path("user");
    CHECK(socket_path(settings, places).starts_with(folder.path("user/loom/")));
    std::filesystem::create_directories(folder.path("run"));
    CHECK(socket_path(settings, places).starts_with(folder.path("run/")));
    CHECK(socket_path(settings, places).ends_with(".sock"));
    CHECK(socket_paths(settings, places).size() == 3);
    places.system_run_dir = folder.path("made-later");
    places.root = true;
    CHECK(socket_path(settings, places).starts_with(folder.path("made-later/")));
}

TEST_CASE("manifests are found below jobspath, each real file once") {
    Folder folder;
    const std::string job = ": {command: 'true', targets: n, schedule: '@daily'}}\n";
    folder.write("loom.yaml", "nodesfile: nodes.yaml\njobspath: jobs\n");
    folder.write("nodes.yaml", "n:\n");
    folder.write("jobs/a.yaml", "jobs: {a" + job);
    folder.write("jobs/deep/er/b.yaml", "jobs: {b" + job);
    folder.write("jobs/c.txt", "jobs: {c" + job);
    folder.write("jobs/.hidden.yaml", "jobs: {d" + job);
    folder.write("elsewhere/e.yaml", "jobs: {e" + job);
    std::filesystem::create_directory_symlink(folder.path("elsewhere"), folder.path("jobs/linked"));
    std::filesystem::create_directory_symlink(folder.path("jobs"), folder.path("jobs/deep/loop"));
    std::filesystem::create_symlink(folder.path("elsewhere/e.yaml"), folder.path("jobs/same.yaml"));
    const auto catalog = load(folder).value();
    CHECK(problem_lines(*catalog).empty());
    CHECK(catalog->job_names() == std::vector<std::string>{"a", "b", "e"});
    std::filesystem::create_symlink("nowhere", folder.path("jobs/broken.yaml"));
    const auto broken = folder.path("jobs/broken.yaml");
    CHECK(problem_lines(*load(folder).value()) == "jobs/broken.yaml: cannot read " + broken + ": No such file or directory\n");
}

TEST_CASE("a file that is named and missing is fatal") {
    Folder folder;
    const auto file = folder.path("loom.yaml");
    const auto message = [&](const char* text) {
        folder.write("loom.yaml", text);
        const auto error = load(folder).error();
        CHECK(error.code == Errc::config);
        return error.message;
    };
    const std::string gone = ": No such file or directory";
    CHECK(message("nodesfile: nodes.yaml\n") == file + ":1:12: nodesfile: cannot read " + folder.path("nodes.yaml") + gone);
    CHECK(message("\ndatafile: data.yaml\n") == file + ":2:11: datafile: cannot read " + folder.path("data.yaml") + gone);
    CHECK(message("jobspath: jobs\n") == file + ":1:11: jobspath: cannot read " + folder.path("jobs") + ": no such folder");
    CHECK(message("nodesfile: .\n") == file + ":1:12: nodesfile: cannot read " + folder.path("") + ": not a regular file");
    CHECK(message("ssh: {config: mine}\n") == file + ":1:15: ssh: config: cannot read " + folder.path("mine") + gone);
}

TEST_CASE("without a configuration there is an empty catalog") {
    Folder folder;
    auto places = around(folder);
    if (!find_configuration("", places).value().empty())
        return; // this host has one in /etc
    const auto catalog = load_catalog("", standard_tasks(), places).value();
    CHECK(catalog->settings.file.empty());
    CHECK(catalog->settings.state_dir.starts_with(places.state_home));
    CHECK(!catalog->settings.known_hosts);
}

TEST_CASE("a password in a file that others can read warns") {
    Folder folder;
    folder.write("loom.yaml", "nodesfile: nodes.yaml\n");
    folder.write("nodes.yaml", "n: {password: secret}\n");
    ::chmod(folder.path("nodes.yaml").c_str(), 0644);
    CHECK(problem_lines(*load(folder).value()) ==
          "nodes.yaml:1:15: a password in a file that others can read: chmod 600 " + folder.path("nodes.yaml") + "\n");
    ::chmod(folder.path("nodes.yaml").c_str(), 0600);
    CHECK(problem_lines(*load(folder).value()).empty());
}

TEST_CASE("a file has a bound") {
    Folder folder;
    folder.write("f", std::string(100, 'x'));
    CHECK(read_text_file(folder.path("f"), 100).value().text.size() == 100);
    CHECK(read_text_file(folder.path("f"), 99).error().message ==
          "cannot read " + folder.path("f") + ": larger than 99 bytes");
    REQUIRE(::mkfifo(folder.path("fifo").c_str(), 0600) == 0);
    CHECK(read_text_file(folder.path("fifo"), 99).error().message ==
          "cannot read " + folder.path("fifo") + ": not a regular file");
}

TEST_CASE("a secret is read from a file, the environment or a command") {
    Folder folder;
    const auto file = folder.path("pw");
    folder.write("pw", "s3cret\r\n");
    ::chmod(file.c_str(), 0600);
    CHECK(read_secret({{"file", file}}).value().reveal() == "s3cret");
    ::chmod(file.c_str(), 0644);
    CHECK(error_of({{"file", file}}) == "the secret file " + file + " can be read by others: chmod 600 " + file);
    CHECK(error_of({{"file", file + "x"}}) == "cannot read " + file + "x: No such file or directory");

    ::setenv("LOOM_TEST_SECRET", "fromenv", 1);
    CHECK(read_secret({{"env", "LOOM_TEST_SECRET"}}).value().reveal() == "fromenv");
    ::unsetenv("LOOM_TEST_SECRET");
    CHECK(error_of({{"env", "LOOM_TEST_SECRET"}}) == "the environment variable LOOM_TEST_SECRET is not set");

    const auto shell = [](std::string line) {
        return boost::json::object{{"command", boost::json::array{"sh", "-c", line}}};
    };
    CHECK(read_secret(shell("printf 'a b\\n\\n'")).value().reveal() == "a b\n");
    CHECK(read_secret(shell("cat")).value().reveal().empty());
    CHECK(read_secret(shell("ls /proc/self/fd | wc -l")).value().reveal() == "4");
    CHECK(error_of(shell("echo leak >&2; exit 3")) == "the secret command sh exited with 3");
    CHECK(error_of(shell("kill -9 $$")) == "the secret command sh was ended by signal 9");
    CHECK(error_of(shell("yes")) == "the secret command sh printed more than 64 KiB");
    CHECK(error_of({{"command", boost::json::array{"/nowhere/pass"}}}) ==
          "the secret command /nowhere/pass cannot be started: No such file or directory");
}

TEST_CASE("a secret command that hangs is ended") {
    using namespace std::chrono_literals;
    for (const std::string line : {"exec sleep 600", "exec 1>&-; exec sleep 600", "sleep 600 & exit 0"}) {
        CAPTURE(line);
        CHECK(command_output({"sh", "-c", line}, {"the secret command", 200ms, limits::secret_bytes, false}).error().message ==
              "the secret command sh took longer than 0.2 s");
    }
}

TEST_CASE("workers of an ordinary user must not find a secret in what every worker reads") {
    Folder folder;
    auto places = around(folder);
    const auto load_for = [&](bool root) {
        places.root = root;
        const auto catalog = load_catalog(folder.path("loom.yaml"), standard_tasks(), places);
        return catalog ? std::string() : catalog.error().message;
    };
    folder.write("loom.yaml", "state_dir: /usr/loom-state\nplugins: {ops: {paths: own}}\n");
    CHECK(load_for(false).ends_with("ops: its workers would read Loom's state: every worker reads /usr, which holds /usr/loom-state; keep that elsewhere"));
    CHECK(load_for(true).empty());
    folder.write("loom.yaml", "nodesfile: nodes.yaml\nplugins: {ops: {paths: own}}\n");
    folder.write("nodes.yaml", "n: {ip: 127.0.0.1, identity: /usr/loom-key}\n");
    CHECK(load_for(false).ends_with("ops: its workers would read a node's identity: every worker reads /usr, which holds /usr/loom-key; keep that elsewhere"));
    CHECK(load_for(true).empty());
    folder.write("loom.yaml", "nodesfile: nodes.yaml\n");
    CHECK(load_for(false).empty());
    folder.write("plugins/x.py");
    CHECK(load_for(false).ends_with("plugins: its workers would read a node's identity: every worker reads /usr, which holds /usr/loom-key; keep that elsewhere"));
}

TEST_CASE("what is watched follows the settings") {
    Settings settings;
    settings.file = "/c/loom.yaml";
    settings.nodes_file = "/c/nodes.yaml";
    settings.jobs_path = "/c/jobs";
    const auto list = watch_list(settings);
    CHECK(list.files == std::vector<std::string>{"/c/loom.yaml", "/c/nodes.yaml"});
    CHECK(list.jobs_path == "/c/jobs");
}
