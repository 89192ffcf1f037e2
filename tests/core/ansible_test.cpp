#include "core/config/ansible.hpp"
#include "core/config/ansible_login.hpp"
#include "core/config/nodes_text.hpp"
#include "core/config/words.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

using namespace loom;

namespace {

struct Read {
    Inventory inventory;
    std::string faults, warnings;

    const Node& operator[](std::string_view name) const {
        for (const auto& node : inventory.nodes)
            if (node.name == name) return node;
        throw std::out_of_range(std::string(name));
    }
    std::string names() const {
        std::string all;
        for (const auto& node : inventory.nodes) all += (all.empty() ? "" : " ") + node.name;
        return all;
    }
};

Read read(const AnsibleTexts& texts) {
    Faults faults;
    std::deque<SourceText> sources;
    Read result{read_ansible(texts, faults, sources), {}, {}};
    for (const auto& fault : faults) result.faults += to_string(fault.mark) + ": " + fault.message + "\n";
    for (const auto& warning : result.inventory.warnings) result.warnings += warning.place + ": " + warning.message + "\n";
    return result;
}

AnsibleTexts texts_of(const std::string& path, const std::string& text) {
    AnsibleTexts texts;
    texts.settings_path = "/c/loom.yaml";
    texts.home = "/home/anna";
    texts.inventories = {{path, text, false}};
    return texts;
}

Read read_ini(const std::string& text) { return read(texts_of("/c/hosts.ini", text)); }
Read read_yaml(const std::string& text) { return read(texts_of("/c/hosts.yaml", text)); }

std::string groups_of(const Node& node) {
    std::string all;
    for (const auto& group : node.groups) all += (all.empty() ? "" : " ") + group;
    return all;
}

} // namespace

TEST_CASE("Ansible's ranges include their ends") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"web1", "web1"},
        {"www[01:03].example.com", "www01.example.com www02.example.com www03.example.com"},
        {"www[1:10:3]", "www1 www4 www7 www10"},
        {"db-[a:d]", "db-a db-b db-c db-d"},
        {"db-[a:f:2]", "db-a db-c db-e"},
        {"r[1:2]n[08:09]", "r1n08 r1n09 r2n08 r2n09"},
        {"n[:2]", "n0 n1 n2"},
        {"n[5:]", "range [5:]: its end is missing"},
        {"n[3:1]", "range [3:1]: its end comes before its beginning"},
        {"n[01:100]", "range [01:100]: with zeros in front both ends have the same length"},
        {"n[1-3]", "range [1-3]: expected [FIRST:LAST] or [FIRST:LAST:STEP]"},
        {"n[1:b]", "range [1:b]: its ends are neither two numbers nor two letters"},
        {"n[1:2:0]", "range [1:2:0]: the step is no number from 1 on"},
        {"n[0:99999999]", "range [0:99999999]: too many names"},
        {"n[1:9999][1:9999]", "more than 1000000 names"},
    };
    for (const auto& [pattern, expected] : rows) {
        CAPTURE(pattern);
        const auto names = expand_host_range(pattern);
        std::string joined = names ? "" : names.error().message;
        if (names)
            for (const auto& name : *names) joined += (joined.empty() ? "" : " ") + name;
        CHECK(joined == expected);
    }
}

TEST_CASE("a value of an INI inventory is a Python literal or text") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"80", "80"}, {"-3", "-3"}, {"1.5", "1.5E0"}, {"0644", "none"}, {"True", "true"}, {"true", "none"}, {"None", "null"},
        {"'a b'", R"("a b")"}, {R"("x\n")", R"("x\n")"}, {"[1, 'a', (2, 3)]", R"([1,"a",[2,3]])"}, {"(1)", "1"}, {"()", "[]"},
        {"{'a': [1], \"b\": None}", R"({"a":[1],"b":null})"}, {"[1 2]", "none"}, {"[1", "none"}, {"'a", "none"},
        {"10.0.0.1", "none"}, {"", "none"}, {"1 2", "none"}, {"2222 # note", "2222"}, {"'a' # b", R"("a")"}, {"a # b", "none"}, {"99999999999999999999", "none"},
    };
    for (const auto& [text, expected] : rows) {
        CAPTURE(text);
        const auto value = python_literal(text);
        CHECK((value ? boost::json::serialize(*value) : "none") == expected);
    }
}

TEST_CASE("words are divided as shlex does") {
    const std::vector<std::pair<std::string, std::vector<std::string>>> rows{
        {"a  b\tc", {"a", "b", "c"}}, {"a='b c' \"d\\\"e\"", {"a=b c", "d\"e"}}, {"a # b", {"a"}}, {"a#b c", {"a"}},
        {"'a#b'", {"a#b"}}, {"a\\ b", {"a b"}}, {"''", {""}}, {"", {}},
    };
    for (const auto& [line, expected] : rows) {
        CAPTURE(line);
        CHECK(split_words(line).value() == expected);
    }
    CHECK(split_words("a 'b").error().message == "the quote ' is not closed");
}

// The inventory of Ansible's documentation, "How to build your inventory".
TEST_CASE("an INI inventory has hosts, groups, children and variables") {
    const auto inventory = read_ini(R"(# comment
mail.example.com
; another
[webservers]
foo.example.com http_port=80 maxRequestsPerChild=808
bar.example.com:5309 note="two words" # comment

[dbservers]
one.example.com ansible_host=192.0.2.50 ansible_user=postgres
db-[a:b].example.com ansible_port=2222

[atlanta]
foo.example.com
[raleigh]
bar.example.com
[southeast:children]
atlanta
raleigh   # both
[southeast:vars]
some_server=foo.southeast.example.com
halon_system_timeout=30
list = [1, 'a']
[usa:children]
southeast
[all:vars]
ntp=ntp.example.com
)");
    CHECK(inventory.faults.empty());
    CHECK(inventory.warnings.empty());
    CHECK(inventory.names() == "bar.example.com db-a.example.com db-b.example.com foo.example.com mail.example.com one.example.com");
    CHECK(groups_of(inventory["foo.example.com"]) == "atlanta southeast usa webservers all");
    CHECK(groups_of(inventory["mail.example.com"]) == "ungrouped all");
    CHECK(boost::json::serialize(inventory["foo.example.com"].vars) ==
          R"({"halon_system_timeout":30,"http_port":80,"list":[1,"a"],"maxRequestsPerChild":808,"ntp":"ntp.example.com","some_server":"foo.southeast.example.com"})");
    CHECK(inventory["bar.example.com"].port == 5309);
    CHECK(inventory["bar.example.com"].vars.at("note") == "two words");
    CHECK(inventory["one.example.com"].address == "192.0.2.50");
    CHECK(inventory["one.example.com"].user == "postgres");
    CHECK(inventory["db-b.example.com"].port == 2222);
    CHECK(inventory["db-b.example.com"].address == "db-b.example.com");
    CHECK(boost::json::serialize(inventory["mail.example.com"].vars) == R"({"ntp":"ntp.example.com"})");
}

TEST_CASE("a YAML inventory reads like the same in INI") {
    const auto inventory = read_yaml(R"(all:
  hosts:
    mail.example.com:
  vars: {ntp: ntp.example.com}
  children:
    usa:
      children:
        southeast:
          vars: {some: 1, port: '80'}
          children:
            atlanta:
              hosts:
                foo.example.com: {http_port: 80}
                n[1:2]:
    webservers:
      hosts:
        foo.example.com: {http_port: 81, secret: !vault "$ANSIBLE_VAULT;1.1;AES256", raw: !unsafe '{{ x }}'}
        "[2001:db8::1]:22": {}
        "[fe80::1]:22": {ansible_password: 1.50}
)");
    CHECK(inventory.faults.empty());
    CHECK(inventory.warnings == "hosts.yaml:17:50: secret is encrypted with Ansible Vault: it is left out\n");
    CHECK(inventory.names() == "2001:db8::1 fe80::1 foo.example.com mail.example.com n1 n2");
    CHECK(inventory["fe80::1"].password.reveal() == "1.50");
    CHECK(groups_of(inventory["foo.example.com"]) == "atlanta southeast usa webservers all");
    CHECK(boost::json::serialize(inventory["foo.example.com"].vars) ==
          R"({"http_port":81,"ntp":"ntp.example.com","port":"80","raw":"{{ x }}","some":1})");
    CHECK(groups_of(inventory["mail.example.com"]) == "ungrouped all");
    CHECK(inventory["2001:db8::1"].port == 22);
}

TEST_CASE("what a program prints for --list reads as an inventory") {
    const auto inventory = read(texts_of("/c/cloud output.json", R"({
  "web": {"hosts": ["w1", "w2"], "vars": {"a": 1}, "children": ["blue"]},
  "blue": ["w3"], "all": {"children": ["web", "ungrouped"]},
  "_meta": {"hostvars": {"w1": {"ansible_host": "10.0.0.1", "b": "\u00e4"}, "w4": {}}}})"));
    CHECK(inventory.faults.empty());
    CHECK(inventory.warnings.empty());
    CHECK(inventory.names() == "w1 w2 w3 w4");
    CHECK(inventory["w1"].address == "10.0.0.1");
    CHECK(boost::json::serialize(inventory["w1"].vars) == "{\"a\":1,\"b\":\"\u00e4\"}");
    CHECK(groups_of(inventory["w3"]) == "blue web all");
    CHECK(groups_of(inventory["w4"]) == "ungrouped all");
    CHECK(read(texts_of("/c/x.json", R"({"web": ["w1"]})")).warnings ==
          "x.json:1:1: no _meta.hostvars: no host has variables of its own\n");
}

// Ansible's documentation, "Understanding variable precedence": inventory group variables < group_vars/all < group_vars/*
// < inventory host variables < host_vars/*; among groups all < parent < child, then priority, then the alphabet.
TEST_CASE("the nearest variable wins") {
    auto texts = texts_of("/c/hosts", R"(h a=host b=host
[child]
h
[other]
h
[parent:children]
child
[all:vars]
v1=all
v2=all
v3=all
v4=all
a=all
[parent:vars]
v2=parent
v3=parent
v4=parent
[child:vars]
v3=child
v4=child
a=child
[other:vars]
p=other
[zebra]
h
[zebra:vars]
p=zebra
q=zebra
[other:vars]
q=other
ansible_group_priority=10
)");
    texts.group_vars = {{"all", {"/c/group_vars/all.yml", "v4: file of all\nx: file of all\ny: file of all\n"}},
                        {"parent", {"/c/group_vars/parent.yml", "x: file of parent\ny: file of parent\n"}},
                        {"child", {"/c/group_vars/child.yml", "y: file of child\nb: file of child\n"}},
                        {"nobody", {"/c/group_vars/nobody.yml", "- not read\n"}}};
    texts.host_vars = {{"h", {"/c/host_vars/h.yml", "b: file of host\n"}}};
    const auto inventory = read(texts);
    CHECK(inventory.faults.empty());
    CHECK(boost::json::serialize(inventory["h"].vars) ==
          R"({"a":"host","b":"file of host","p":"other","q":"other","v1":"all","v2":"parent","v3":"child","v4":"file of all","x":"file of parent","y":"file of child"})");
}

TEST_CASE("what says how to log in becomes the node's own") {
    const auto inventory = read_ini(
        "h ansible_ssh_host=10.0.0.1 ansible_ssh_user=root ansible_ssh_pass='p#1' ansible_ssh_private_key_file=~/k "
        "ansible_ssh_common_args='-o ProxyJump=a@b:22' ansible_connection=ssh ansible_become_method=sudo ansible_python_interpreter=/usr/bin/python3\n"
        "i ansible_private_key_file=keys/id ansible_ssh_common_args='-J b1,b2' ansible_ssh_extra_args='-J c -o ServerAliveInterval=5'\n"
        "j ansible_port=x ansible_host='{{ inventory_hostname }}.lan' ansible_connection=local ansible_become_password=1.50\n"
        "k ansible_become_pass=z ansible_become_user=db ansible_password=0.10\n"
        "l ansible_sudo_user=-x ansible_become_method=su\n"
        "[all:vars]\nansible_port=2222 # note\n");
    CHECK(inventory.faults.empty());
    const auto& h = inventory["h"];
    CHECK(h.address == "10.0.0.1");
    CHECK(h.user == "root");
    CHECK(h.password.reveal() == "p#1");
    CHECK(h.identity == "/home/anna/k");
    CHECK(h.jump == "a@b:22");
    CHECK(boost::json::serialize(h.vars) == R"({"ansible_python_interpreter":"/usr/bin/python3"})");
    CHECK(inventory["i"].identity == "/c/keys/id");
    CHECK(inventory["i"].jump == "c");
    CHECK(inventory["j"].address == "j");
    CHECK(inventory["j"].port == 0);
    CHECK(inventory["j"].become.password.reveal() == "1.50");
    CHECK(inventory["k"].become == Become{"db", Secret("z")});
    CHECK(inventory["k"].password.reveal() == "0.10");
    CHECK(inventory["k"].port == 2222);
    CHECK(inventory["j"].vars.empty());
    CHECK(inventory.warnings ==
          "hosts.ini:2:71: ansible_ssh_extra_args: \"-o ServerAliveInterval\" is left out; ssh_config is read\n"
          "hosts.ini:3:62: ansible_connection=local is left out: the node is reached over SSH\n"
          "hosts.ini:3:18: ansible_host is a Jinja expression, which is not evaluated: it is left out\n"
          "hosts.ini:3:3: ansible_port: \"x\" is no port: it is left out\n"
          "hosts.ini:5:24: ansible_become_method=su is left out: commands become another user by sudo\n"
          "hosts.ini:5:3: ansible_sudo_user: sudo would not take this as a user's name: it is left out\n");
}

TEST_CASE("a jump host is found among ssh's options where it stands in plain words") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"-J a", "a |"}, {"-Ja,b", "a,b |"}, {"-oProxyJump=a", "a |"}, {"-o 'ProxyJump a'", "a |"}, {"-o proxyjump=a -J b", "a |"},
        {"-o ProxyCommand='ssh -W %h:%p -q -p 2222 u@b'", "u@b:2222 |"}, {"-o ProxyCommand='ssh -l u -W %h:%p b'", "u@b |"},
        {"-o ProxyCommand='nc -x p %h %p'", " |-o ProxyCommand"}, {"-C -o A=b", " |-C -o A"}, {"-i /k", " |-i …"},
    };
    for (const auto& [line, expected] : rows) {
        CAPTURE(line);
        std::vector<std::string> others;
        auto found = jump_of_ssh_args(split_words(line).value(), others) + " |";
        for (std::size_t i = 0; i < others.size(); ++i) found += (i == 0 ? "" : " ") + others[i];
        CHECK(found == expected);
    }
}

TEST_CASE("what is wrong in an inventory is told with its place") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"h x\n", "hosts.ini:1:3: expected NAME=VALUE behind the host\n"},
        {"h a=1 ansible_password: hunter2\n", "hosts.ini:1:7: expected NAME=VALUE behind the host\n"},
        {"[web:children]\nh password=hunter2\n", "hosts.ini:2:1: expected a group's name\n"},
        {"  h 'x\n", "hosts.ini:1:3: the quote ' is not closed\n"},
        {"[web\n", "hosts.ini:1:1: expected [GROUP], [GROUP:children] or [GROUP:vars]\n"},
        {"[web:kids]\na\n", "hosts.ini:1:2: [web:kids]: expected [GROUP], [GROUP:children] or [GROUP:vars]\n"},
        {"[web]\na\n[x:children]\nwbe\n", "hosts.ini:4:1: group \"wbe\" is not defined (did you mean \"web\"?)\n"},
        {"[web:vars]\na=1\n", "hosts.ini:1:2: group \"web\" is not defined\n"},
        {"[a:children]\nb\n[b:children]\na\n", "hosts.ini:1:2: group \"a\" contains itself\n"},
        {"[web]\n[web:vars]\nx\n", "hosts.ini:3:1: expected NAME=VALUE\n"},
        {"w[1:\n", "hosts.ini:1:1: \"w[1:\" is not a host name: use letters, digits, '.', '_', '-' and ':'\n"},
        {"w[2:1]\n", "hosts.ini:1:1: range [2:1]: its end comes before its beginning\n"},
        {"w a=\xff\n", "hosts.ini:1:5: byte 0xff is not UTF-8 text\n"},
    };
    for (const auto& [text, expected] : rows) {
        CAPTURE(text);
        const auto inventory = read_ini(text);
        CHECK(inventory.faults == expected);
        CHECK(inventory.inventory.nodes.empty());
    }
    CHECK(read_yaml("web:\n  host: {a: }\n").faults ==
          "hosts.yaml:2:3: group web: unknown key \"host\" (did you mean \"hosts\"?)\n");
    CHECK(read_yaml("web: {hosts: [\n").faults.starts_with("hosts.yaml:"));
    CHECK(read_yaml("web:\n  hosts:\n    h: ansible_password=hunter2\n").faults == "hosts.yaml:3:8: expected variables: a map\n");
}

TEST_CASE("a password that others can read is warned of once") {
    auto texts = texts_of("/c/hosts.ini", "a ansible_password=x\nb ansible_password=y\n");
    texts.inventories[0].others_can_read = true;
    CHECK(read(texts).warnings == "hosts.ini:1:3: a password in a file that others can read: chmod 600 /c/hosts.ini\n");
}

TEST_CASE("printed nodes read as the same nodes") {
    const auto from = read_ini(
        "[web]\nw[1:2] ansible_host=10.0.0.9 ansible_user=root ansible_password='a: \"b\" #' ansible_ssh_common_args='-J j'\n"
        "10.0.0.1 yes=1.0 no=True t='a\tb' u=\xc3\xa4 nested=\"{'a':[1,{'b':None}]}\" empty='' d='\x7f' quote=\"it's\"\n2001:db8::1 ansible_port=22\nyes\n");
    REQUIRE(from.faults.empty());
    boost::json::object entries;
    for (const auto& node : from.inventory.nodes) entries[node.name] = node_entry(node);
    for (const auto& text : {nodes_text(from.inventory.nodes), to_yaml(entries)}) {
        CAPTURE(text);
        ConfigTexts texts;
        Faults faults;
        texts.nodes = ConfigText{"/c/nodes.yaml", text, false};
        const SourceText source{"/c/nodes.yaml", "nodes.yaml", text};
        const auto again = read_inventory(source, texts, faults);
        REQUIRE(faults.empty());
        CHECK(nodes_text(again.nodes) == nodes_text(from.inventory.nodes));
    }
}
