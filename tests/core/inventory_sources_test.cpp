#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

#include <boost/json/serialize.hpp>

using namespace loom;
using namespace loom::tests;

namespace {

Node node_of(std::string name, std::string address, std::vector<std::string> groups = {}) {
    Node node;
    node.name = std::move(name);
    node.address = address.empty() ? node.name : std::move(address);
    node.groups = std::move(groups);
    return node;
}

} // namespace

TEST_CASE("the nodes file wins over a source key by key, and groups go together") {
    auto texts = catalog_texts("", "web1: {user: anna, groups: [mine], vars: {a: 1}}\nown:\n");
    auto theirs = node_of("web1", "10.0.0.1", {"web", "mine"});
    theirs.user = "root";
    theirs.port = 2222;
    theirs.vars = {{"a", 2}, {"b", 2}};
    texts.sources = {{"hosts.ini", {theirs, node_of("web2", "10.0.0.2", {"web"})}, {}},
                     {"cloud", {node_of("web2", "10.9.9.9", {"cloud"}), node_of("web1", "")}, {}}};
    const auto catalog = build_catalog(texts).value();
    CHECK(catalog->node_names() == std::vector<std::string>{"own", "web1", "web2"});
    const auto& web1 = *catalog->find_node("web1");
    CHECK(web1.user == "anna");
    CHECK(web1.address == "10.0.0.1");
    CHECK(web1.port == 2222);
    CHECK(web1.groups == std::vector<std::string>{"mine", "web"});
    CHECK(boost::json::serialize(web1.vars) == R"({"a":1,"b":2})");
    CHECK(catalog->find_node("web2")->address == "10.0.0.2");
    CHECK(catalog->expand("@web").value() == std::vector<std::string>{"web1", "web2"});
    CHECK(catalog->expand("@cloud").value() == std::vector<std::string>{"web2"});
    CHECK(problem_lines(*catalog) == "cloud: an earlier source has another address for web2: that one counts\n");
}

TEST_CASE("a catalog's digest follows what its sources gave and what is wrong with them") {
    auto texts = catalog_texts("");
    texts.sources = {{"hosts.ini", {node_of("a", "")}, {}}};
    const auto first = build_catalog(texts).value()->digest;
    CHECK(build_catalog(texts).value()->digest == first);
    texts.sources[0].nodes[0].user = "root";
    const auto second = build_catalog(texts).value()->digest;
    CHECK(second != first);
    texts.sources[0].problems = {{Problem::Kind::quarantined, "", "loom.yaml:1:1", "it is gone"}};
    CHECK(build_catalog(texts).value()->digest != second);
}

TEST_CASE("inventory sources are read from loom.yaml, and their faults told") {
    const auto read = [](std::string text) { return read_settings({"/c/loom.yaml", std::move(text)}, "/home/anna", "/state"); };
    const auto settings = read("inventory:\n"
                               "  - {type: ansible, path: hosts.ini}\n"
                               "  - {type: ssh_config, path: ~/.ssh/config}\n"
                               "  - {type: command, command: [./cloud.py, --list], cache: 10m}\n").value();
    REQUIRE(settings.inventory.size() == 3);
    CHECK(settings.inventory[0].path == "/c/hosts.ini");
    CHECK(settings.inventory[0].place == "/c/loom.yaml:2:5");
    CHECK(settings.inventory[1].path == "/home/anna/.ssh/config");
    CHECK(settings.inventory[2].command == std::vector<std::string>{"/c/cloud.py", "--list"});
    CHECK(settings.inventory[2].cache == std::chrono::minutes(10));
    const std::vector<std::pair<std::string, std::string>> rows{
        {"inventory: hosts.ini", "1:12: inventory: expected a list of sources, [{type: ansible, path: hosts.ini}], not \"hosts.ini\""},
        {"inventory: [{path: x}]", "1:13: inventory: missing key \"type\": ansible, ssh_config or command"},
        {"inventory: [{type: ansibel, path: x}]",
         "1:20: inventory: type: expected one of ansible, ssh_config, command, not \"ansibel\" (did you mean \"ansible\"?)"},
        {"inventory: [{type: ansible}]", "1:13: inventory: missing key \"path\""},
        {"inventory: [{type: command, path: x}]", "1:13: inventory: missing key \"command\"\n/c/loom.yaml:1:13: inventory: \"path\" belongs to the other types of source"},
        {"inventory: [{type: ansible, path: x, cache: 5m}]",
         "1:13: inventory: \"cache\" belongs to type: command: a file is read whenever it changes"},
        {"inventory: [{type: command, command: ls}]", "1:38: inventory: command: expected [PROGRAM, ARGUMENT…], not \"ls\""},
    };
    for (const auto& [text, message] : rows) {
        CAPTURE(text);
        CHECK(read(text).error().message == "/c/loom.yaml:" + message);
    }
}
