#include "app/files/ansible_files.hpp"
#include "app/files/inventory_sources.hpp"
#include "app/files/kept_nodes.hpp"
#include "app/files/watch_plan.hpp"
#include "app/process/command_output.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <sys/stat.h>

using namespace loom;
using loom::tests::Folder;

TEST_CASE("an inventory folder is read by name, with the variables in it") {
    Folder folder;
    folder.write("inv/b.ini", "b1\n");
    folder.write("inv/a.yaml", "web: {hosts: {a1: }}\n");
    for (const auto* passed_over : {".hidden", "notes.md", "a.yaml~", "x.swp"}) folder.write(std::string("inv/") + passed_over, "[bad");
    folder.write("inv/group_vars/web", "x: 1\n");
    folder.write("inv/group_vars/all/z.yml", "x: 0\n");
    folder.write("inv/group_vars/all/a/deep.json", "{}");
    folder.write("inv/host_vars/a1.example.org", "y: 1\n");
    const auto texts = read_ansible_files(folder.path("inv"), folder.path("loom.yaml"), "/home/anna").value();
    std::string read;
    for (const auto& text : texts.inventories) read += text.path.substr(folder.path("").size()) + " ";
    for (const auto& vars : texts.group_vars) read += vars.name + " ";
    for (const auto& vars : texts.host_vars) read += vars.name + " ";
    CHECK(read == "/inv/a.yaml /inv/b.ini all all web a1.example.org ");
    folder.write("inv/cloud", "#!/bin/sh\n");
    CHECK(read_ansible_files(folder.path("inv"), "", "").error().message.find("is a program: use {type: command") != std::string::npos);
    CHECK(!read_ansible_files(folder.path("nowhere"), "", ""));
}

TEST_CASE("the names of an ssh_config are those that are no patterns, of what it includes too") {
    Folder folder;
    folder.write(".ssh/config", "Include conf.d/* nowhere\nHost web1 web2 !web3 *.lan db?\n  HostName x\nhost=bastion # no\n"
                                "Match host a\nHost web1\n");
    folder.write(".ssh/conf.d/1", "Host b b2\nInclude config\n"); // in a circle
    Surroundings around;
    around.home = folder.path("");
    Settings settings;
    settings.state_dir = folder.path("state");
    InventorySource source;
    source.type = InventorySource::Type::ssh_config;
    source.path = folder.path(".ssh/config");
    settings.inventory = {source};
    const auto names = [&] {
        std::vector<std::string> found;
        const auto read = read_inventory_sources(settings, around).at(0);
        for (const auto& node : read.nodes) found.push_back(node.name);
        return found;
    };
    CHECK(names() == std::vector<std::string>{"b", "b2", "bastion", "web1", "web2"});
    std::filesystem::remove(folder.path(".ssh/config"));
    const auto gone = read_inventory_sources(settings, around).at(0);
    CHECK(gone.nodes.size() == 5); // of its last good reading
    CHECK(gone.problems.at(0).message.find("No such file or directory") != std::string::npos);
}

TEST_CASE("what a source gave is kept for its own kind and nobody else") {
    Folder folder;
    InventorySource source;
    source.path = "/c/hosts";
    const KeptNodes kept(folder.path("state"), source);
    CHECK(!kept.last());
    Node node;
    node.name = node.address = "a";
    node.password = Secret("x");
    REQUIRE(kept.keep({node}).has_value());
    REQUIRE(kept.keep({node}).has_value());
    CHECK(kept.last()->nodes.at(0).password.reveal() == "x");
    CHECK(kept.younger_than(std::chrono::hours(1)));
    CHECK(!kept.younger_than(Milliseconds(-1)));
    source.command = {"x"};
    CHECK(!KeptNodes(folder.path("state"), source).last());
    struct stat info {};
    REQUIRE(::stat(folder.path("state/inventory").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("a program's output has bounds, and its complaint is told") {
    using namespace std::chrono_literals;
    const auto run = [](const std::string& line, std::chrono::milliseconds most) {
        const auto output = command_output({"sh", "-c", line}, {"the program", most, 2u << 20, true});
        return output ? *output : "error: " + output.error().message;
    };
    CHECK(run("printf out; printf err >&2", 60s) == "out");
    CHECK(run("head -c 3000000 /dev/zero >&2; printf out", 60s) == "out");
    CHECK(run("exec >&-; head -c 3000000 /dev/zero >&2", 60s).empty());
    CHECK(run("printf '\\n why\\nmore' >&2; exit 4", 60s) == "error: the program sh exited with 4: why");
    CHECK(run("head -c 3000000 /dev/zero", 60s) == "error: the program sh printed more than 2 MiB");
    CHECK(run("exec sleep 600", 100ms) == "error: the program sh took longer than 0.1 s");
}

TEST_CASE("an inventory's files and folders are watched") {
    Folder folder;
    folder.write("hosts.ini");
    folder.write("inv/a");
    folder.write("inv/state/loom.db");
    folder.write("group_vars/web/x.yml");
    Settings settings;
    settings.file = folder.path("loom.yaml");
    settings.inventory.resize(3);
    settings.inventory[0].path = folder.path("hosts.ini");
    settings.inventory[1].path = folder.path("inv");
    settings.inventory[2].type = InventorySource::Type::command;
    settings.inventory[2].command = {"ansible-inventory"};
    const auto plan = plan_watches(watch_list(settings));
    CHECK(plan.at(folder.path("")).names == std::set<std::string>{"group_vars", "host_vars", "hosts.ini", "inv", "loom.yaml"});
    CHECK(plan.at(folder.path("inv")).all);
    CHECK(!plan.contains(folder.path("inv/state")));
    CHECK(plan.at(folder.path("group_vars/web")).all);
    CHECK(!plan.at(folder.path("")).all);
}
