#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

CatalogPtr fleet(const std::string& settings = "groups: {front: 'web[1-2]', both: '@front,@data', data: db1}\n") {
    auto texts = catalog_texts("", "web[1-3]: {groups: [web], labels: {os: linux}}\ndb1: {groups: [data], labels: {os: bsd}}\ndb2: {groups: [data]}\n");
    texts.settings.text = settings;
    return build_catalog(texts).value();
}

std::string expanded(std::string_view expression) {
    const auto names = fleet()->expand(expression);
    return names ? fold_nodeset(*names) : names.error().message;
}

} // namespace

TEST_CASE("targets name nodes, groups and labels") {
    CHECK(expanded("web1,db1") == "db1,web1");
    CHECK(expanded("@*") == "db[1-2],web[1-3]");
    CHECK(expanded("@web!web2") == "web[1,3]");
    CHECK(expanded("@front") == "web[1-2]");
    CHECK(expanded("@data") == "db[1-2]");
    CHECK(expanded("@both") == "db[1-2],web[1-2]");
    CHECK(expanded("@label:os=linux") == "web[1-3]");
    CHECK(expanded("@label:os=plan9").empty());
}

TEST_CASE("an unknown name is an error with the near one") {
    CHECK(expanded("wbe1") == "unknown node \"wbe1\" (did you mean \"web1\"?)");
    CHECK(fleet()->expand("nowhere").error().code == Errc::not_found);
    CHECK(expanded("@fornt").find("did you mean \"front\"?") != std::string::npos);
    CHECK(expanded("@label:rack=1") == "unknown term @label:rack=1: no node has the label \"rack\"");
    CHECK(expanded("@label:so=linux").ends_with("no node has the label \"so\" (did you mean \"os\"?)"));
    CHECK(expanded("web1!nowhere") == "web1");
}

TEST_CASE("groups that are wrong are fatal") {
    auto texts = catalog_texts("");
    texts.settings.text = "groups: {a: '@b', b: '@a'}\n";
    CHECK(problems_of(texts) == "fatal /c/loom.yaml:1:13: groups: group \"a\" contains itself: a -> b -> a\n"
                                "/c/loom.yaml:1:22: groups: group \"b\" contains itself: b -> a -> b");
    texts.settings.text = "groups: {a: web9}\n";
    CHECK(problems_of(texts) == "fatal /c/loom.yaml:1:13: groups: unknown node \"web9\" (did you mean \"web1\"?)");
}

TEST_CASE("a catalog finds by name") {
    const auto catalog = build_catalog(catalog_texts("jobs:\n  b: {task: t, targets: web1}\n  a: {task: t, targets: db1}\n")).value();
    CHECK(catalog->job_names() == std::vector<std::string>{"a", "b"});
    CHECK(catalog->find_job("b")->name == "b");
    CHECK(!catalog->find_job("c"));
    CHECK(catalog->find_node("web2")->name == "web2");
    CHECK(!catalog->find_node("web3"));
    CHECK(!catalog->find_node(""));
}

TEST_CASE("the digest follows every text") {
    auto texts = catalog_texts("jobs: {}\n");
    const auto before = build_catalog(texts).value()->digest;
    CHECK(build_catalog(texts).value()->digest == before);
    texts.nodes->text += "x:\n";
    CHECK(build_catalog(texts).value()->digest != before);
}

TEST_CASE("without a configuration the catalog is empty") {
    const auto catalog = empty_catalog("/state");
    CHECK(catalog->settings.state_dir == "/state");
    CHECK(catalog->nodes.empty());
    CHECK(!catalog->find_job("x"));
    CHECK(!catalog->expand("web1"));
}
