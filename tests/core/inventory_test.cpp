#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

#include <boost/json/serialize.hpp>

using namespace loom;
using namespace loom::tests;

namespace {

std::string error_of(std::string nodes) { return problems_of(catalog_texts("", std::move(nodes))); }

CatalogPtr catalog_of(std::string nodes) { return build_catalog(catalog_texts("", std::move(nodes))).value(); }

} // namespace

TEST_CASE("a node has every attribute that is documented") {
    const auto catalog = catalog_of(R"(
staging:
db1: {user: mysql, password: 123, ip: 10.0.0.1, port: 2222, identity: ~/.ssh/loom/prod.pub, groups: [db, prod],
      labels: {os: linux, rack: 4}, vars: {size: 3, list: [a]}}
web1: {identity: keys/id, groups: web}
)");
    REQUIRE(catalog->nodes.size() == 3);
    const auto& staging = *catalog->find_node("staging");
    CHECK(staging.address == "staging");
    CHECK(staging.user.empty());
    CHECK(staging.port == 0);
    CHECK(staging.password.empty());
    const auto& db = *catalog->find_node("db1");
    CHECK(db.user == "mysql");
    CHECK(db.password.reveal() == "123");
    CHECK(db.address == "10.0.0.1");
    CHECK(db.port == 2222);
    CHECK(db.identity == "/home/anna/.ssh/loom/prod");
    CHECK(db.groups == std::vector<std::string>{"db", "prod"});
    CHECK(db.labels.at("rack") == "4");
    CHECK(boost::json::serialize(db.vars) == R"({"size":3,"list":["a"]})");
    CHECK(catalog->find_node("web1")->identity == "/c/keys/id");
    CHECK(catalog->find_node("web1")->groups == std::vector<std::string>{"web"});
}

TEST_CASE("a NodeSet names many nodes, with as many addresses") {
    const auto catalog = catalog_of("web[08-11]: {user: root}\ndb[1-3]: {ip: '10.0.0.[7-9]'}\nx: {ip: 'fe80::1'}\n");
    CHECK(catalog->node_names() == std::vector<std::string>{"db1", "db2", "db3", "web08", "web09", "web10", "web11", "x"});
    CHECK(catalog->find_node("web10")->user == "root");
    CHECK(catalog->find_node("web10")->address == "web10");
    CHECK(catalog->find_node("db2")->address == "10.0.0.8");
    CHECK(catalog->find_node("x")->address == "fe80::1");
    CHECK(!catalog->find_node("web8"));
}

TEST_CASE("nodes stand in natural order") {
    CHECK(catalog_of("n10:\nn2:\nn1:\n")->node_names() == std::vector<std::string>{"n1", "n2", "n10"});
}

TEST_CASE("an empty nodes file has no nodes") {
    CHECK(catalog_of("")->nodes.empty());
    CHECK(catalog_of("# x\n---\n")->nodes.empty());
}

TEST_CASE("what is wrong in the nodes file is fatal and told with its place") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"db1: {usr: x}\n", "1:7: db1: unknown key \"usr\" (did you mean \"user\"?)"},
        {"db1: {user: x, user: y}\n", "1:16: db1: duplicate key \"user\", first on line 1"},
        {"db1: root\n", "1:6: db1: expected a map, not text"},
        {"- db1\n", "1:1: expected a map, not a list"},
        {"db1: {port: 0}\n", "1:13: db1: port: expected a number from 1 to 65535, not \"0\""},
        {"db1: {port: ssh}\n", "1:13: db1: port: expected a number from 1 to 65535, not \"ssh\""},
        {"db1: {ip: [a]}\n", "1:11: db1: ip: expected text, not a list"},
        {"db1: {ip: 'a b'}\n", "1:11: db1: ip: expected an address or a host name, not \"a b\""},
        {"db[1-2]: {ip: 10.0.0.1}\n", "1:15: ip: 2 nodes need 2 addresses, such as 10.0.0.[1-2]; here is one"},
        {"db[1-2]: {ip: '10.0.0.[1-3]'}\n", "1:15: ip: 2 nodes need 2 addresses, such as 10.0.0.[1-2]; here are 3"},
        {"db1: {user: 'a b'}\n", "1:13: db1: user: expected a user's name, not \"a b\""},
        {"db1: {password: [a]}\n",
         "1:17: db1: password: expected text, {file: PATH}, {env: NAME} or {command: [PROGRAM, ARGUMENT…]}, not a list"},
        {"db1: {password: {fil: a}}\n",
         "1:17: db1: password: expected text, {file: PATH}, {env: NAME} or {command: [PROGRAM, ARGUMENT…]}"},
        {"db1: {password: {file: a, env: B}}\n",
         "1:17: db1: password: expected text, {file: PATH}, {env: NAME} or {command: [PROGRAM, ARGUMENT…]}"},
        {"db1: {password: {command: ls}}\n",
         "1:17: db1: password: expected text, {file: PATH}, {env: NAME} or {command: [PROGRAM, ARGUMENT…]}"},
        {"db1: {labels: {a: [b]}}\n", "1:19: db1: labels: expected text, not a list"},
        {"db1: {groups: ['a b']}\n", "1:15: db1: groups: \"a b\" cannot name a group: use letters, digits, '.', '_' and '-'"},
        {"db1: {vars: [a]}\n", "1:13: db1: vars: expected a map, not a list"},
        {"db1: {become: true}\n", "1:15: db1: become: expected {user: NAME, password: SECRET}, not text: whether a "
                                   "command becomes another user is said by its job"},
        {"db1: {become: {user: -x}}\n", "1:22: db1: become: user: expected a user's name, not \"-x\""},
        {"db1: {become: {method: su}}\n", "1:24: db1: become: method: \"su\" is not supported yet by this version"},
        {"a/b:\n", "1:1: \"a/b\" is not a host name: use letters, digits, '.', '_', '-' and ':'"},
        {"-x:\n", "1:1: \"-x\" is not a host name: use letters, digits, '.', '_', '-' and ':'"},
        {"db1:\ndb[1-2]:\n", "2:1: node \"db1\" is already defined at nodes.yaml:1:1"},
        {"a:\n\tb: 1\n", "2:3: a tab cannot indent YAML: use spaces"},
    };
    for (const auto& [nodes, message] : rows) {
        CAPTURE(nodes);
        CHECK(error_of(nodes) == "fatal nodes.yaml:" + message);
    }
    CHECK(error_of("db1:\ndb1:\n") == "fatal nodes.yaml:2:1: duplicate key \"db1\", first on line 1");
    CHECK(error_of("db[1-:\n").starts_with("fatal nodes.yaml:1:1: "));
}

TEST_CASE("a secret comes from where it is kept") {
    auto texts = catalog_texts("", "a: {password: {file: pw}}\nb: {password: {env: PW}}\nc: {password: {command: [pass, show, x]}}\n");
    texts.read_secret = [](const boost::json::object& source) -> Result<Secret> { return Secret(boost::json::serialize(source)); };
    texts.nodes->text += "d: {become: {user: db, password: {env: SUDO}}}\n";
    const auto catalog = build_catalog(texts).value();
    CHECK(catalog->find_node("d")->become.user == "db");
    CHECK(catalog->find_node("d")->become.password.reveal() == R"({"env":"SUDO"})");
    CHECK(catalog->find_node("a")->password.reveal() == R"({"file":"/c/pw"})");
    CHECK(catalog->find_node("b")->password.reveal() == R"({"env":"PW"})");
    CHECK(catalog->find_node("c")->password.reveal() == R"({"command":["pass","show","x"]})");
    texts.read_secret = [](const boost::json::object&) -> Result<Secret> { return Error{Errc::config, "it is not there"}; };
    texts.nodes->text = "a: {password: {env: PW}}\n";
    CHECK(problems_of(texts) == "fatal nodes.yaml:1:15: a: password: it is not there");
}

TEST_CASE("a password that others can read warns once") {
    auto texts = catalog_texts("", "a: {user: x}\nb: {password: y}\nc: {password: z}\n");
    CHECK(problems_of(texts).empty());
    texts.nodes->others_can_read = true;
    CHECK(problems_of(texts) == "nodes.yaml:2:15: a password in a file that others can read: chmod 600 /c/nodes.yaml\n");
}
