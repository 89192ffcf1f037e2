#include "ssh/login_plan.hpp"

#include "core/base/limits.hpp"
#include "ssh/rig.hpp"
#include "ssh/ssh_config.hpp"

#include <spdlog/fmt/fmt.h>

using namespace loom;

namespace {

SshOptions options() {
    SshOptions options;
    options.home = "/h";
    options.user = "me";
    options.local_host = "here.example";
    options.environment = {{"SSH_AUTH_SOCK", "/run/agent"}, {"KEYS", "/keys"}};
    return options;
}

struct ShownPlan : LoginPlan {
    std::vector<NodeSetting> settings;
};

Result<ShownPlan> plan(const std::string& config, Node node, const SshOptions& with = options()) {
    const SshConfig parsed({{{"/h/.ssh/config", config}, "/h/.ssh"}}, "/h", [](const std::string&) { return std::vector<SshConfig::File>(); });
    std::vector<NodeSetting> shown;
    auto made = plan_login(node, with, parsed, &shown);
    if (!made) return made.error();
    return ShownPlan{std::move(*made), std::move(shown)};
}

Node node(const std::string& name) {
    Node node;
    node.name = node.address = name;
    node.place = "nodes.yaml:12";
    return node;
}

std::string place_of(const ShownPlan& plan, const std::string& setting) {
    for (const auto& row : plan.settings)
        if (row.setting == setting) return row.value + " from " + row.place;
    return "";
}

std::string hops(const Result<ShownPlan>& plan) {
    if (!plan) return plan.error().message;
    std::string text;
    for (const auto& hop : plan->jumps) text += fmt::format("{}@{}:{} ", hop.user, hop.host, hop.port);
    return text;
}

} // namespace

TEST_CASE("without any word the defaults hold") {
    const auto made = plan("", node("db1")).value();
    CHECK(made.host == "db1");
    CHECK(made.port == 22);
    CHECK(made.user == "me");
    CHECK(made.identity_files == std::vector<std::string>{"/h/.ssh/id_ed25519", "/h/.ssh/id_ecdsa", "/h/.ssh/id_rsa"});
    CHECK(!made.identities_named);
    CHECK(made.agent_socket == "/run/agent");
    CHECK(made.known_hosts == std::vector<std::string>{"/h/.ssh/known_hosts", "/h/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts",
                                                       "/etc/ssh/ssh_known_hosts2"});
    CHECK(place_of(made, "port") == "22 from default");
    CHECK(place_of(made, "agent") == "/run/agent from $SSH_AUTH_SOCK");
}

TEST_CASE("ssh_config fills in what the node does not say") {
    const auto made = plan("Host db*\n HostName %h.example\n Port 2222\n User deploy\n IdentityFile ~/.ssh/%r_%h.pub\n"
                           " IdentityFile ${KEYS}/%u%%%n\n IdentitiesOnly yes\n IdentityAgent ~/agent\n CertificateFile c-%p-cert.pub\n"
                           " HostKeyAlias alias\n UserKnownHostsFile ~/kh /kh/%k\n GlobalKnownHostsFile none\n"
                           " StrictHostKeyChecking yes\n ConnectTimeout 7\n ServerAliveInterval 15\n",
                           node("db1")).value();
    CHECK(made.host == "db1.example");
    CHECK(made.port == 2222);
    CHECK(made.user == "deploy");
    CHECK(made.identity_files == std::vector<std::string>{"/h/.ssh/deploy_db1.example", "/keys/me%db1"});
    CHECK(made.identities_named);
    CHECK(made.identities_only);
    CHECK(made.agent_socket == "/h/agent");
    CHECK(made.certificate_files == std::vector<std::string>{"c-2222-cert.pub"});
    CHECK(made.host_keys == HostKeys::strict);
    CHECK(made.connect_timeout == std::chrono::seconds(7));
    CHECK(made.alive_interval == std::chrono::seconds(15));
    CHECK(made.known_hosts == std::vector<std::string>{"/h/kh", "/kh/alias"});
    CHECK(listed_name(host_names(made)) == "alias"); // without the port, as ssh does
    CHECK(place_of(made, "port") == "2222 from ~/.ssh/config:3");
    CHECK(place_of(made, "host keys") == "strict from ~/.ssh/config:13");
}

TEST_CASE("a job's own connect timeout wins over ssh_config's, the default's value too") {
    const auto said = plan("ConnectTimeout 7", node("db1")).value(), silent = plan("", node("db1")).value();
    Timeouts job;
    CHECK(connect_timeout(said, job) == std::chrono::seconds(7));
    CHECK(connect_timeout(silent, job) == limits::connect_timeout);
    for (const auto word : {Milliseconds(limits::connect_timeout), Milliseconds(300), Milliseconds(0)}) {
        job.connect = word;
        CHECK(connect_timeout(said, job) == word);
        CHECK(connect_timeout(silent, job) == word);
    }
}

TEST_CASE("the node's own words win over ssh_config") {
    auto own = node("db1");
    own.address = "10.0.0.7";
    own.port = 22;
    own.user = "root";
    own.identity = "/keys/root";
    own.jump = "none";
    const auto made = plan("HostName x\nPort 2222\nUser deploy\nIdentityFile y\nProxyJump b\n", own).value();
    CHECK(fmt::format("{}@{}:{} {}", made.user, made.host, made.port, made.jumps.size()) == "root@10.0.0.7:22 0");
    CHECK(made.identity_files == std::vector<std::string>{"/keys/root"});
    for (const char* setting : {"host", "port", "user", "identity", "jump"})
        CHECK(place_of(made, setting).ends_with(" from nodes.yaml:12"));
}

TEST_CASE("the stricter word on host keys holds") {
    const auto host_keys = [](const std::string& word, HostKeys loom) {
        auto with = options();
        with.host_keys = loom;
        return plan("StrictHostKeyChecking " + word, node("db1"), with).value().host_keys;
    };
    for (const char* word : {"no", "off", "ask", "accept-new", "false"}) {
        CHECK(host_keys(word, HostKeys::accept_new) == HostKeys::accept_new);
        CHECK(host_keys(word, HostKeys::strict) == HostKeys::strict);
    }
    CHECK(host_keys("yes", HostKeys::accept_new) == HostKeys::strict);
    auto with = options();
    with.known_hosts = std::vector<std::string>{"/mine"};
    CHECK(plan("UserKnownHostsFile /theirs", node("db1"), with).value().known_hosts == *with.known_hosts);
}

TEST_CASE("the agent is the one that ssh would ask") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"", "/run/agent"}, {"none", ""}, {"SSH_AUTH_SOCK", "/run/agent"}, {"$KEYS", "/keys"}, {"$NOT_SET", ""},
        {"${KEYS}/%r", "/keys/me"}};
    for (const auto& [word, socket] : rows) {
        CAPTURE(word);
        CHECK(plan(word.empty() ? "" : "IdentityAgent " + word, node("db1")).value().agent_socket == socket);
    }
    const auto none = plan("IdentityFile none", node("db1")).value();
    CHECK(none.identity_files.empty());
    CHECK(none.identities_named);
}

TEST_CASE("jump hosts are flattened, each by its own ssh_config") {
    const std::string bastions = "Host b1\n HostName 10.0.0.1\n Port 2201\n User jumper\nHost b2\n ProxyJump b1\n";
    CHECK(hops(plan(bastions + "Host db1\nProxyJump b1", node("db1"))) == "jumper@10.0.0.1:2201 ");
    CHECK(hops(plan(bastions + "Host db1\nProxyJump b2", node("db1"))) == "jumper@10.0.0.1:2201 me@b2:22 ");
    CHECK(hops(plan(bastions + "Host db1\nProxyJump x@b3:33,b2", node("db1"))) == "x@b3:33 me@b2:22 "); // b2 through b3 alone
    CHECK(hops(plan("Host db*\nProxyJump %r@gate-%h", node("db1"))) == "me@gate-db1:22 ");
    auto own = node("db1");
    own.jump = "anna@[2001:db8::1]:2222,b1";
    const auto made = plan(bastions + "Host db1\nProxyCommand nc %h %p", own);
    CHECK(hops(made) == "anna@2001:db8::1:2222 jumper@10.0.0.1:2201 ");
    CHECK(place_of(*made, "jump") == "anna@[2001:db8::1]:2222 from nodes.yaml:12");
    own.jump = "a b";
    CHECK(hops(plan("", own)).starts_with("nodes.yaml:12: jump: \"a b\" is no jump host"));
}

TEST_CASE("a jump host that is a node is reached by that node's own words") {
    auto gate = node("gate");
    gate.address = "10.0.0.1";
    gate.port = 2201;
    gate.user = "jumper";
    gate.identity = "/keys/gate";
    gate.password = Secret("p");
    auto inner = node("inner");
    inner.jump = "gate";
    auto with = options();
    with.find_node = [&](const std::string& name) -> std::shared_ptr<const Node> {
        for (const auto* known : {&gate, &inner})
            if (known->name == name) return std::make_shared<const Node>(*known);
        return nullptr;
    };
    const auto made = plan("Host gate\nPort 9\nIdentityFile /other\nHost db1\nProxyJump gate", node("db1"), with);
    CHECK(hops(made) == "jumper@10.0.0.1:2201 ");
    CHECK(made->jumps.at(0).identity_files == std::vector<std::string>{"/keys/gate"});
    CHECK(made->jumps.at(0).password == Secret("p"));
    auto own = node("db1");
    own.jump = "inner";
    CHECK(hops(plan("", own, with)) == "jumper@10.0.0.1:2201 me@inner:22 ");
    own.jump = "x@gate:33,inner"; // what is said with the name wins; inner through gate alone
    CHECK(hops(plan("", own, with)) == "x@10.0.0.1:33 me@inner:22 ");
    gate.jump = "inner";
    own.jump = "gate";
    CHECK(hops(plan("", own, with)).find("circle") != std::string::npos);
    gate.jump = "a b";
    CHECK(hops(plan("", own, with)).starts_with("nodes.yaml:12: jump: \"a b\" is no jump host"));
}

TEST_CASE("jump hosts in a circle, or without end, are refused") {
    CHECK(hops(plan("Host *\nProxyJump b", node("db1"))) ==
          "the jump hosts lead in a circle: me@db1:22 -> me@b:22 -> me@b:22 (~/.ssh/config:2); say `ProxyJump none` for the host "
          "that is reached directly");
    CHECK(hops(plan("Host b\nProxyJump none\nHost *\nProxyJump b", node("db1"))) == "me@b:22 ");
    CHECK(hops(plan("Host a\nProxyJump b\nHost b\nProxyJump a", node("a"))).find("circle") != std::string::npos);
    std::string chain;
    for (int i = 0; i < 20; ++i) chain += fmt::format("Host h{}\nProxyJump h{}\n", i, i + 1);
    CHECK(plan(chain, node("h0")).has_error());
    CHECK(plan(chain, node("h13")).has_value());
}

TEST_CASE("what cannot be obeyed refuses the node with its place") {
    CHECK(hops(plan("ProxyCommand nc %h %p", node("db1"))) ==
          "~/.ssh/config:1: db1 would be reached through ProxyCommand, and Loom starts no programs; use ProxyJump, or `jump` in the "
          "nodes file");
    CHECK(hops(plan("ProxyCommand none", node("db1"))).empty());
    CHECK(hops(plan("IdentityFile ${NOPE}/x", node("db1"))) == "~/.ssh/config:1: the variable NOPE is not set");
    CHECK(hops(plan("IdentityFile ~bob/x", node("db1"))) == "~/.ssh/config:1: ~ of another user is not known here: ~bob/x");
    CHECK(hops(plan("HostName %x", node("db1"))) == "~/.ssh/config:1: the token %x is not known here");
}
