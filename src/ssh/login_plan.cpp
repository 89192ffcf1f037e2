#include "ssh/login_plan.hpp"

#include "core/base/limits.hpp"
#include "ssh/patterns.hpp"
#include "ssh/ssh_config.hpp"
#include "ssh/ssh_config_words.hpp"

#include <algorithm>
#include <charconv>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {

namespace {

constexpr const char* by_default = "default";

/// The machine that a plan is made for: a node, or a jump host of which perhaps only a name is known.
struct Machine {
    std::string name, address, user, identity, place;
    unsigned short port = 0;
    Secret password, passphrase;
    std::optional<std::vector<JumpHost>> jumps; ///< said by the one who names it
};

Result<Machine> machine_of(const Node& node) {
    Machine machine;
    machine.name = node.name;
    if (node.address != node.name) machine.address = node.address;
    machine.user = node.user;
    machine.identity = node.identity;
    machine.port = node.port;
    machine.password = node.password;
    machine.passphrase = node.passphrase;
    machine.place = node.place.empty() ? "command line" : node.place;
    if (!node.jump.empty()) {
        auto hosts = read_jump(node.jump);
        if (!hosts) return Error{Errc::config, fmt::format("{}: jump: {}", machine.place, hosts.error().message)};
        machine.jumps = std::move(*hosts);
    }
    return machine;
}

bool is_yes(const SshSettings::Maybe& value) {
    if (!value) return false;
    const auto word = lower(value->text());
    return word == "yes" || word == "true";
}

/// Makes the plan of one machine; the plans of its jump hosts are made by others of its kind.
class Planner {
public:
    Planner(const SshOptions& options, const SshConfig& config, std::vector<std::string> open, std::vector<NodeSetting>* shown)
        : options_(options), config_(config), open_(std::move(open)), shown_(shown) {}

    Result<LoginPlan> run(const Machine& machine);

private:
    using Value = SshSettings::Value;

    Result<void> reach(const Machine& machine);
    Result<void> log_in(const Machine& machine);
    Result<void> agent();
    Result<void> recognise();
    Result<void> known_hosts();
    Result<void> times();
    Result<void> jump(const Machine& machine);
    Result<Machine> machine_at(const JumpHost& host, const std::string& place) const;
    Result<void> add_hops(const std::vector<JumpHost>& hosts, const std::string& place);

    Result<std::string> expand(const Value& value, const std::string& text) const;
    Result<std::string> expand_path(const Value& value, const std::string& text) const;
    SshTokens tokens() const;
    void show(const char* setting, std::string_view value, std::string_view place) {
        if (shown_) shown_->push_back({setting, std::string(value), std::string(place)});
    }
    /// A failure to be told with the place of the value.
    static Error at(const Value& value, const Error& error) { return {Errc::config, value.place + ": " + error.message}; }

    const SshOptions& options_;
    const SshConfig& config_;
    std::vector<std::string> open_; ///< the machines on whose behalf this one is planned, outermost first
    std::vector<NodeSetting>* shown_; ///< null: nobody looks
    SshSettings said_;
    LoginPlan plan_;
};

SshTokens Planner::tokens() const {
    return {{'d', options_.home}, {'h', plan_.host}, {'n', plan_.name}, {'r', plan_.user}, {'u', options_.user},
            {'p', std::to_string(plan_.port)}, {'l', options_.local_host},
            {'k', plan_.host_key_alias.empty() ? plan_.host : plan_.host_key_alias},
            {'L', options_.local_host.substr(0, options_.local_host.find('.'))}};
}

Result<std::string> Planner::expand(const Value& value, const std::string& text) const {
    if (text.find('%') == text.npos) return text;
    auto with_tokens = expand_tokens(text, tokens());
    if (!with_tokens) return at(value, with_tokens.error());
    return with_tokens;
}

Result<std::string> Planner::expand_path(const Value& value, const std::string& text) const {
    auto path = text;
    if (path == "~" || path.starts_with("~/")) path = options_.home + path.substr(1);
    else if (path.starts_with('~')) return at(value, usage_error("~ of another user is not known here: " + text));
    auto whole = expand_variables(path, options_.environment);
    if (!whole) return at(value, whole.error());
    return expand(value, *whole);
}

Result<void> Planner::reach(const Machine& machine) {
    plan_.name = machine.name;
    plan_.host = machine.name;
    if (!machine.address.empty()) {
        plan_.host = machine.address;
        show("host", plan_.host, machine.place);
    } else if (said_.host_name) {
        const auto expanded = expand_tokens(said_.host_name->text(), {{'h', machine.name}});
        if (!expanded) return at(*said_.host_name, expanded.error());
        plan_.host = *expanded;
        show("host", plan_.host, said_.host_name->place);
    } else {
        show("host", plan_.host, machine.place);
    }
    if (machine.port != 0) {
        plan_.port = machine.port;
        show("port", shown_ ? std::to_string(plan_.port) : std::string(), machine.place);
    } else if (said_.port) {
        const auto& text = said_.port->text();
        std::from_chars(text.data(), text.data() + text.size(), plan_.port); // the parser has looked at it
        show("port", text, said_.port->place);
    } else {
        show("port", "22", by_default);
    }
    return {};
}

Result<void> Planner::log_in(const Machine& machine) {
    const bool own_user = !machine.user.empty();
    plan_.user = own_user ? machine.user : said_.user ? said_.user->text() : options_.user;
    show("user", plan_.user, own_user ? machine.place : said_.user ? said_.user->place : by_default);
    plan_.password = machine.password;
    plan_.passphrase = machine.passphrase;
    if (!plan_.password.empty()) show("password", "(not shown)", machine.place);

    plan_.identities_named = !machine.identity.empty() || !said_.identity_files.empty();
    if (!machine.identity.empty()) {
        plan_.identity_files.push_back(machine.identity);
        show("identity", machine.identity, machine.place);
    } else {
        for (const auto& value : said_.identity_files) {
            if (lower(value.text()) == "none") continue;
            auto path = expand_path(value, value.text());
            if (!path) return path.error();
            // The public half names the key that an agent holds; the private one beside it is what can be read.
            if (path->ends_with(".pub")) path->resize(path->size() - 4);
            show("identity", *path, value.place);
            plan_.identity_files.push_back(std::move(*path));
        }
        if (plan_.identity_files.empty() && plan_.identities_named) show("identity", "none", said_.identity_files[0].place);
    }
    if (!plan_.identities_named)
        for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
            plan_.identity_files.push_back(fmt::format("{}/.ssh/{}", options_.home, name));
            show("identity", plan_.identity_files.back(), by_default);
        }
    for (const auto& value : said_.certificate_files) {
        auto path = expand_path(value, value.text());
        if (!path) return path.error();
        show("certificate", *path, value.place);
        plan_.certificate_files.push_back(std::move(*path));
    }
    plan_.identities_only = is_yes(said_.identities_only);
    if (said_.identities_only) show("identities only", plan_.identities_only ? "yes" : "no", said_.identities_only->place);
    return agent();
}

Result<void> Planner::agent() {
    const auto from_environment = [this](const std::string& name) {
        const auto found = options_.environment.find(name);
        return found == options_.environment.end() ? std::string{} : found->second;
    };
    const auto& said = said_.identity_agent;
    if (!said || said->text() == "SSH_AUTH_SOCK") {
        plan_.agent_socket = from_environment("SSH_AUTH_SOCK");
        if (!plan_.agent_socket.empty()) show("agent", plan_.agent_socket, said ? said->place : "$SSH_AUTH_SOCK");
        return {};
    }
    if (lower(said->text()) == "none") {
        show("agent", "none", said->place);
    } else if (said->text().starts_with('$') && !said->text().starts_with("${")) {
        plan_.agent_socket = from_environment(said->text().substr(1));
        show("agent", plan_.agent_socket.empty() ? "none" : plan_.agent_socket, said->place);
    } else {
        auto path = expand_path(*said, said->text());
        if (!path) return path.error();
        plan_.agent_socket = std::move(*path);
        show("agent", plan_.agent_socket, said->place);
    }
    return {};
}

Result<void> Planner::recognise() {
    const auto& said = said_.strict_host_key_checking;
    // The stricter word holds; `no` still refuses a changed key, and `ask` has nobody to ask.
    plan_.host_keys = options_.host_keys;
    std::string place = options_.host_keys == HostKeys::strict ? "loom.yaml" : by_default;
    if (said && options_.host_keys != HostKeys::strict && lower(said->text()) != "ask") {
        if (is_yes(said)) plan_.host_keys = HostKeys::strict;
        place = said->place;
    }
    show("host keys", plan_.host_keys == HostKeys::strict ? "strict" : "accept-new", place);
    if (said_.host_key_alias) {
        plan_.host_key_alias = said_.host_key_alias->text();
        show("host key alias", plan_.host_key_alias, said_.host_key_alias->place);
    }
    return known_hosts();
}

Result<void> Planner::known_hosts() {
    if (options_.known_hosts) {
        plan_.known_hosts = *options_.known_hosts;
        for (const auto& file : plan_.known_hosts) show("known hosts", file, "loom.yaml");
        return {};
    }
    const auto user = options_.home + "/.ssh/known_hosts";
    const auto add = [this](const SshSettings::Maybe& said, const std::vector<std::string>& otherwise) -> Result<void> {
        if (!said) {
            for (const auto& file : otherwise) {
                plan_.known_hosts.push_back(file);
                show("known hosts", file, by_default);
            }
            return {};
        }
        for (const auto& word : said->words) {
            if (lower(word) == "none") continue;
            auto path = expand_path(*said, word);
            if (!path) return path.error();
            show("known hosts", *path, said->place);
            plan_.known_hosts.push_back(std::move(*path));
        }
        return {};
    };
    if (auto added = add(said_.user_known_hosts, {user, user + "2"}); !added) return added;
    return add(said_.global_known_hosts, {"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"});
}

Result<void> Planner::times() {
    // The parser has looked at both; `none` and 0 leave it to Loom.
    if (const auto& said = said_.connect_timeout) {
        const auto time = ssh_time(said->text());
        if (time && *time && (*time)->count() > 0) {
            plan_.connect_timeout = **time;
            show("connect timeout", fmt::format("{}s", (*time)->count()), said->place);
        }
    }
    if (const auto& said = said_.server_alive_interval) {
        const auto time = ssh_time(said->text());
        if (time && *time) plan_.alive_interval = **time;
        show("keep-alive", fmt::format("{}s", plan_.alive_interval.count()), said->place);
    }
    return {};
}

Result<void> Planner::jump(const Machine& machine) {
    if (machine.jumps) return add_hops(*machine.jumps, machine.place);
    if (const auto& command = said_.proxy_command; command && lower(command->text()) != "none")
        return at(*command, usage_error(fmt::format("{} would be reached through ProxyCommand, and Loom starts no programs; "
                                                    "use ProxyJump, or `jump` in the nodes file", machine.name)));
    if (!said_.proxy_jump) return {};
    const auto text = expand(*said_.proxy_jump, said_.proxy_jump->text());
    if (!text) return text.error();
    const auto hosts = read_jump(*text);
    if (!hosts) return at(*said_.proxy_jump, hosts.error());
    return add_hops(*hosts, said_.proxy_jump->place);
}

/// One that is a node has that node's own words. The user and the port that were said with its name win.
Result<Machine> Planner::machine_at(const JumpHost& host, const std::string& place) const {
    Machine machine;
    machine.name = host.host;
    machine.place = place;
    if (const auto node = options_.find_node ? options_.find_node(host.host) : nullptr) {
        auto made = machine_of(*node);
        if (!made) return made.error();
        machine = std::move(*made);
    }
    if (!host.user.empty()) machine.user = host.user;
    if (host.port != 0) machine.port = host.port;
    return machine;
}

/// The first one is reached by its own jump hosts, each later one through those before it.
Result<void> Planner::add_hops(const std::vector<JumpHost>& hosts, const std::string& place) {
    if (hosts.empty()) show("jump", "none", place);
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        auto hop = machine_at(hosts[i], place);
        if (!hop) return hop.error();
        if (i > 0) hop->jumps.emplace();
        auto plan = Planner(options_, config_, open_, nullptr).run(*hop);
        if (!plan) return plan.error();
        for (auto& before : plan->jumps) plan_.jumps.push_back(std::move(before));
        plan->jumps.clear();
        plan_.jumps.push_back(std::move(*plan));
        if (plan_.jumps.size() > limits::ssh_jumps)
            return Error{Errc::config, fmt::format("{}: more than {} jump hosts lead to {}", place, limits::ssh_jumps, plan_.name)};
    }
    if (!shown_) return {};
    for (const auto& hop : plan_.jumps)
        show("jump", fmt::format("{}@{}:{}", hop.user, hop.host.find(':') == std::string::npos ? hop.host : "[" + hop.host + "]",
                                 hop.port), place);
    return {};
}

Result<LoginPlan> Planner::run(const Machine& machine) {
    auto said = config_.find({machine.name, machine.address, machine.user, options_.user});
    if (!said) return said.error();
    said_ = std::move(*said);
    if (auto done = reach(machine); !done) return done.error();
    if (auto done = log_in(machine); !done) return done.error();
    // Who stands on the way twice would be waited for without end.
    auto self = fmt::format("{}@{}:{}", plan_.user, plan_.host, plan_.port);
    const bool circle = std::ranges::find(open_, self) != open_.end();
    open_.push_back(std::move(self));
    if (circle || open_.size() > limits::ssh_jumps + 1)
        return Error{Errc::config, fmt::format("the jump hosts lead in a circle: {}{}; say `ProxyJump none` for the host that is "
                                               "reached directly", fmt::join(open_, " -> "),
                                               said_.proxy_jump ? " (" + said_.proxy_jump->place + ")" : std::string{})};
    for (auto part : {&Planner::recognise, &Planner::times})
        if (auto done = (this->*part)(); !done) return done.error();
    if (auto done = jump(machine); !done) return done.error();
    return std::move(plan_);
}

} // namespace

HostNames host_names(const LoginPlan& plan) {
    if (plan.host_key_alias.empty()) return {plan.host, plan.name, plan.port};
    return {plan.host_key_alias, plan.host_key_alias, 22};
}

Milliseconds connect_timeout(const LoginPlan& plan, const Timeouts& job) {
    return job.connect.value_or(plan.connect_timeout.value_or(limits::connect_timeout));
}

Result<LoginPlan> plan_login(const Node& node, const SshOptions& options, const SshConfig& config,
                             std::vector<NodeSetting>* shown) {
    const auto machine = machine_of(node);
    if (!machine) return machine.error();
    return Planner(options, config, {}, shown).run(*machine);
}

} // namespace loom
