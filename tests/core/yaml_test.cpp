#include "core/base/limits.hpp"
#include "core/config/reading.hpp"
#include "core/config/yaml.hpp"
#include "support/catch.hpp"

#include <boost/json/serialize.hpp>

using namespace loom;

namespace {

std::string fault_of(std::string_view text) {
    const SourceText source{"/c/a.yaml", "a.yaml", text};
    const auto document = parse_yaml(source);
    return document ? "" : to_string(document.error().mark) + ": " + document.error().message;
}

std::string json_of(std::string_view text) {
    const SourceText source{"/c/a.yaml", "a.yaml", text};
    Faults faults;
    const auto document = parse_yaml(source);
    REQUIRE(document.has_value());
    auto json = boost::json::serialize(to_json(document->root(), faults));
    CHECK(faults.empty());
    return json;
}

/// Ten aliases a level: 10^levels values.
std::string bomb(int levels) {
    std::string text = "a0: &a0 [x]\n";
    for (int i = 1; i <= levels; ++i) {
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k)
            text += "*a" + std::to_string(i - 1) + ",";
        text += "]\n";
    }
    return text;
}

} // namespace

TEST_CASE("a text becomes a tree with places") {
    const SourceText source{"/c/a.yaml", "a.yaml", "a: 1\nb:\n  - 'x'\n  - {c: }\n"};
    const auto document = parse_yaml(source).value();
    const auto& root = document.root();
    REQUIRE(root.kind == YamlNode::Kind::map);
    REQUIRE(root.entries.size() == 2);
    CHECK(to_string(root.entries[0].value->mark) == "a.yaml:1:4");
    CHECK(root.entries[0].value->plain);
    const auto& list = *root.entries[1].value;
    REQUIRE(list.items.size() == 2);
    CHECK(!list.items[0]->plain);
    CHECK(to_string(list.items[0]->mark) == "a.yaml:3:5");
    REQUIRE(list.items[1]->entries.size() == 1);
    CHECK(list.items[1]->entries[0].value->kind == YamlNode::Kind::null);
}

TEST_CASE("scalars become JSON by the core schema") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"[1, -2, +3, 0]", "[1,-2,3,0]"},
        {"[1.5, .5, 1e3]", "[1.5E0,5E-1,1E3]"},
        {"[true, False, yes, on]", R"([true,false,"yes","on"])"},
        {"[null, ~, ]", "[null,null]"},
        {"['1', \"true\", !!str 2]", R"(["1","true","2"])"},
        {"[inf, nan, .inf, -, +, 1x, 1.2.3]", R"(["inf","nan",".inf","-","+","1x","1.2.3"])"},
        {"[99999999999999999999]", "[1E20]"},
        {"{a: {b: [c]}}", R"({"a":{"b":["c"]}})"},
        {"", "null"},
    };
    for (const auto& [text, json] : rows) {
        CAPTURE(text);
        CHECK(json_of(text) == json);
    }
}

TEST_CASE("aliases share, to a bound") {
    CHECK(json_of("a: &x [1]\nb: *x\n") == R"({"a":[1],"b":[1]})");
    CHECK(fault_of(bomb(4)).empty());
    CHECK(fault_of(bomb(8)) == "a.yaml:7:22: aliases reach more than 1000000 values");
    CHECK(fault_of("a: &x [*x]\n") == "a.yaml:1:8: this alias stands inside its own anchor: a cycle");
    CHECK(fault_of("a: &x {b: {c: *x}}\n") == "a.yaml:1:15: this alias stands inside its own anchor: a cycle");
    CHECK(fault_of("a: *nowhere\n") == "a.yaml:1:4: the alias *nowhere has no anchor &nowhere before it");
    CHECK(fault_of("a: [x, *no, y]\n") == "a.yaml:1:8: the alias *no has no anchor &no before it");
    CHECK(fault_of("a: * * * * *\n") == "a.yaml:1:5: * begins an alias: a text that begins with it stands in quotes");
}

TEST_CASE("depth has a bound, through aliases too") {
    const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    CHECK(fault_of(nested(limits::yaml_depth)).empty());
    CHECK(fault_of(nested(limits::yaml_depth + 1)) == "a.yaml:1:65: nested deeper than 64 levels");
    CHECK(fault_of(nested(100'000)) == "a.yaml:1:65: nested deeper than 64 levels");
    CHECK(
        fault_of("a: &x " + nested(40) + "\nb: " + std::string(20, '[') + "*x" + std::string(20, ']') + "\n").empty());
    CHECK(fault_of("a: &x " + nested(40) + "\nb: " + std::string(24, '[') + "*x" + std::string(24, ']') + "\n") ==
          "a.yaml:2:28: nested deeper than 64 levels");
}

TEST_CASE("a syntax error has its place and says what is wrong") {
    CHECK(fault_of("a:\n\tb: 1\n") == "a.yaml:2:3: a tab cannot indent YAML: use spaces");
    CHECK(fault_of("a: [1\n") == "a.yaml:2:1: a list that begins with [ is not closed: expected \",\" or \"]\"");
    CHECK(fault_of("a: b: c\n") == "a.yaml:1:5: \": \" within a value begins another map: put the value in quotes");
    CHECK(fault_of("a: 'x\n") == "a.yaml:2:2: the text ends within quotes: the closing one is missing");
    CHECK(fault_of("a: \"x\nb: 1\n\n") == "a.yaml:4:2: the text ends within quotes: the closing one is missing");
    CHECK(fault_of("[a]\n[b]\n") == "a.yaml:2:1: expected the end of the text: its first value is complete");
    CHECK(fault_of("a: !vault x\n") == "a.yaml:1:4: the tag !vault is not understood");
    CHECK(fault_of("a: !!binary x\n") == "a.yaml:1:4: the tag tag:yaml.org,2002:binary is not understood");
}

TEST_CASE("bytes that YAML does not allow are refused") {
    using namespace std::string_view_literals;
    CHECK(fault_of("a: \xff\n") == "a.yaml:1:4: byte 0xff is not UTF-8");
    CHECK(fault_of("a: x\nb: \xc0\x80\n") == "a.yaml:2:4: byte 0xc0 is not UTF-8");
    CHECK(fault_of("a: \xed\xa0\x80\n") == "a.yaml:1:4: byte 0xed is not UTF-8");
    CHECK(fault_of("\xff\xfe"
                   "a\0"sv) == "a.yaml:1:1: byte 0xff is not UTF-8");
    CHECK(fault_of("a: \x04 b\n") == "a.yaml:1:4: control character 0x04");
    CHECK(fault_of("a: \0 b\n"sv) == "a.yaml:1:4: control character 0x00");
    CHECK(fault_of("a: 1\rb: 2\n") == "a.yaml:1:5: control character 0x0d");
    CHECK(json_of("\xef\xbb\xbf"
                  "a: é\r\nb: \"ü\"\r\n") == R"({"a":"é","b":"ü"})");
    CHECK(fault_of(std::string(limits::config_file_bytes + 1, '#')) == "a.yaml:1:1: larger than 64 MiB");
}

TEST_CASE("dividers divide nothing") {
    CHECK(json_of("%YAML 1.2\n---\na: 1\n...\n---\nb: 2\n...") == R"({"a":1,"b":2})");
    CHECK(json_of("--- \r\na: |\n  ---\n  x\n") == R"({"a":"---\nx\n"})");
    CHECK(json_of("a: |+\n  x\n\n") == R"({"a":"x\n\n"})");
    CHECK(json_of("a: ---x\n") == R"({"a":"---x"})");
}

TEST_CASE("several texts are one document, and places are true") {
    const SourceText first{"/c/d.yaml", "d.yaml", "x: &x [1]"},
        second{"/c/m.yaml", "m.yaml", "---\njobs: *x\nbad: *y\n"};
    const SourceText* both[] = {&first, &second};
    CHECK(to_string(parse_yaml(both).error().mark) == "m.yaml:3:6");
    const SourceText good{"/c/m.yaml", "m.yaml", "jobs: *x\n"};
    const SourceText* pair[] = {&first, &good};
    const auto document = parse_yaml(pair).value();
    const auto& root = document.root();
    REQUIRE(root.entries.size() == 2);
    CHECK(to_string(root.entries[1].key->mark) == "m.yaml:1:1");
    CHECK(to_string(root.entries[1].value->mark) == "d.yaml:1:4");
}

TEST_CASE("repeated keys are found in short maps and in long ones") {
    std::string text;
    for (int i = 0; i < 40; ++i)
        text += "k" + std::to_string(i) + ": 1\n";
    const auto faults_of = [](const std::string& yaml) {
        const SourceText source{"/c/a.yaml", "a.yaml", yaml};
        Faults faults;
        const auto document = parse_yaml(source).value();
        map_entries(document.root(), faults);
        return faults.empty() ? "" : to_error(faults).message;
    };
    CHECK(faults_of(text).empty());
    CHECK(faults_of(text + "k3: 2\n") == "a.yaml:41:1: duplicate key \"k3\", first on line 4");
    CHECK(faults_of(text + "k39: 2\n") == "a.yaml:41:1: duplicate key \"k39\", first on line 40");
    CHECK(faults_of("a: 1\na: 2\n") == "a.yaml:2:1: duplicate key \"a\", first on line 1");
    CHECK(faults_of("'<<': 1\n").empty());
}

TEST_CASE("an error lists the first twenty faults") {
    const SourceText source{"/c/a.yaml", "a.yaml", ""};
    const Faults faults(25, Fault{{&source, 1, 1}, "bad"});
    const auto message = to_error(faults).message;
    CHECK(std::count(message.begin(), message.end(), '\n') == 20);
    CHECK(message.ends_with("\nand 5 more"));
}
