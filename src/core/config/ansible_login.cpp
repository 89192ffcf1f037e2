#include "core/config/ansible_login.hpp"

#include "core/config/reading.hpp"
#include "core/config/words.hpp"

#include <boost/json/serialize.hpp>
#include <charconv>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

std::string lower_case(std::string_view text) {
    std::string small(text);
    for (auto& c : small)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return small;
}

/// `ssh -W %h:%p -q -p 2222 user@bastion` → `user@bastion:2222`; empty for anything else.
std::string jump_of_proxy_command(const std::string& command) {
    const auto words = split_words(command);
    if (!words || words->empty() || (*words)[0] != "ssh") return {};
    std::string host, port, user;
    bool forwards = false;
    for (std::size_t i = 1; i < words->size(); ++i) {
        const auto& word = (*words)[i];
        const bool more = i + 1 < words->size();
        if (word == "-W" && more && ((*words)[i + 1] == "%h:%p" || (*words)[i + 1] == "[%h]:%p")) forwards = ++i;
        else if (word == "-p" && more) port = (*words)[++i];
        else if (word == "-l" && more) user = (*words)[++i];
        else if (word == "-q") continue;
        else if (word.starts_with('-') || !host.empty()) return {};
        else host = word;
    }
    if (!forwards || host.empty()) return {};
    if (!user.empty() && host.find('@') == std::string::npos) host = user + "@" + host;
    return port.empty() ? host : host + ":" + port;
}

} // namespace

std::string jump_of_ssh_args(const std::vector<std::string>& words, std::vector<std::string>& others) {
    std::string jump;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto& word = words[i];
        const bool more = i + 1 < words.size();
        if (word.starts_with("-J")) {
            const auto value = word.size() > 2 ? word.substr(2) : more ? words[++i] : std::string{};
            if (jump.empty()) jump = value;
            continue;
        }
        if (!word.starts_with("-o")) {
            // A value that no option here knows may be a secret.
            others.push_back(word.starts_with('-') ? word.substr(0, 2) : "…");
            continue;
        }
        const auto option = word.size() > 2 ? word.substr(2) : more ? words[++i] : std::string{};
        const auto end = option.find_first_of("= \t");
        const auto key = lower_case(option.substr(0, end));
        const auto begin = option.find_first_not_of("= \t", std::min(end, option.size()));
        const auto value = begin == std::string::npos ? std::string{} : option.substr(begin);
        const auto found = key == "proxyjump" ? value : key == "proxycommand" ? jump_of_proxy_command(value) : std::string{};
        if (found.empty()) others.push_back("-o " + option.substr(0, end));
        else if (jump.empty()) jump = found; // ssh_config(5): the first value counts
    }
    return jump;
}

struct AnsibleLogin::Row {
    std::string_view key;
    Take take;
};

const AnsibleLogin::Row AnsibleLogin::rows[] = {
    {"ansible_host", &AnsibleLogin::take_address},
    {"ansible_ssh_host", &AnsibleLogin::take_address},
    {"ansible_port", &AnsibleLogin::take_port},
    {"ansible_ssh_port", &AnsibleLogin::take_port},
    {"ansible_user", &AnsibleLogin::take_user},
    {"ansible_ssh_user", &AnsibleLogin::take_user},
    {"ansible_password", &AnsibleLogin::take_password},
    {"ansible_ssh_pass", &AnsibleLogin::take_password},
    {"ansible_ssh_password", &AnsibleLogin::take_password},
    {"ansible_ssh_private_key_file", &AnsibleLogin::take_identity},
    {"ansible_private_key_file", &AnsibleLogin::take_identity},
    {"ansible_ssh_common_args", &AnsibleLogin::take_ssh_args},
    {"ansible_ssh_extra_args", &AnsibleLogin::take_ssh_args},
    {"ansible_connection", &AnsibleLogin::take_connection},
    {"ansible_become_user", &AnsibleLogin::take_become_user},
    {"ansible_sudo_user", &AnsibleLogin::take_become_user},
    {"ansible_become_password", &AnsibleLogin::take_become_password},
    {"ansible_become_pass", &AnsibleLogin::take_become_password},
    {"ansible_sudo_pass", &AnsibleLogin::take_become_password},
    {"ansible_become_method", &AnsibleLogin::take_become_method},
    {"ansible_group_priority", &AnsibleLogin::ignore},
};

bool AnsibleLogin::take(std::string_view key, const AnsibleVar& var) {
    if (!key.starts_with("ansible_")) return false;
    const auto row = std::find_if(std::begin(rows), std::end(rows), [&](const auto& r) { return r.key == key; });
    if (row == std::end(rows)) return false;
    if (var.value.is_null()) return true;
    const auto text = var.value.is_string() ? std::string(var.value.get_string())
                      : var.text.empty()    ? boost::json::serialize(var.value)
                                            : var.text;
    if (text.find("{{") != std::string::npos || text.find("{%") != std::string::npos)
        warn(var, fmt::format("{} is a Jinja expression, which is not evaluated: it is left out", key));
    else if (!text.empty())
        (this->*row->take)(key, var, text);
    return true;
}

void AnsibleLogin::finish() { node_.jump = extra_jump_.empty() ? common_jump_ : extra_jump_; }

void AnsibleLogin::take_address(std::string_view key, const AnsibleVar& var, const std::string& text) {
    const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
    const auto address = bracketed ? text.substr(1, text.size() - 2) : text;
    if (address.find_first_of(" \t\n/[],") != std::string::npos)
        warn(var, fmt::format("{}: \"{}\" is no address and no host name: it is left out", key, address));
    else
        node_.address = address;
}

void AnsibleLogin::take_port(std::string_view key, const AnsibleVar& var, const std::string& text) {
    unsigned port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535)
        warn(var, fmt::format("{}: \"{}\" is no port: it is left out", key, text));
    else
        node_.port = static_cast<unsigned short>(port);
}

void AnsibleLogin::take_user(std::string_view key, const AnsibleVar& var, const std::string& text) {
    if (text.find_first_of(" \t\n") != std::string::npos) warn(var, fmt::format("{}: a user's name has no blanks: it is left out", key));
    else node_.user = text;
}

void AnsibleLogin::take_password(std::string_view, const AnsibleVar& var, const std::string& text) {
    node_.password = Secret(text);
    password_mark_ = var.mark;
}

void AnsibleLogin::take_identity(std::string_view, const AnsibleVar& var, const std::string& text) {
    // As in the nodes file: the key beside the public half is what logs in.
    const auto key = text.ends_with(".pub") ? text.substr(0, text.size() - 4) : text;
    if (!key.empty()) node_.identity = resolve_path(key, var.mark, home_);
}

void AnsibleLogin::take_ssh_args(std::string_view key, const AnsibleVar& var, const std::string& text) {
    const auto words = split_words(text);
    if (!words) return warn(var, fmt::format("{}: {}", key, words.error().message));
    std::vector<std::string> others;
    auto& jump = key == "ansible_ssh_common_args" ? common_jump_ : extra_jump_;
    jump = jump_of_ssh_args(*words, others);
    if (!others.empty()) warn(var, fmt::format("{}: \"{}\" is left out; ssh_config is read", key, fmt::join(others, " ")));
}

void AnsibleLogin::take_connection(std::string_view key, const AnsibleVar& var, const std::string& text) {
    for (const std::string_view ssh : {"ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh"})
        if (text == ssh) return;
    warn(var, fmt::format("{}={} is left out: the node is reached over SSH", key, text));
}

void AnsibleLogin::take_become_method(std::string_view key, const AnsibleVar& var, const std::string& text) {
    if (text != "sudo" && text != "ansible.builtin.sudo")
        warn(var, fmt::format("{}={} is left out: commands become another user by sudo", key, text));
}

// As in the nodes file (become_fields.cpp).
void AnsibleLogin::take_become_user(std::string_view key, const AnsibleVar& var, const std::string& text) {
    if (text.front() == '-' || text.find_first_of(" \t\n#") != std::string::npos)
        warn(var, fmt::format("{}: sudo would not take this as a user's name: it is left out", key));
    else node_.become.user = text;
}

void AnsibleLogin::take_become_password(std::string_view key, const AnsibleVar& var, const std::string& text) {
    if (text.find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
        return warn(var, fmt::format("{}: a password for sudo is one line: it is left out", key));
    node_.become.password = Secret(text);
    password_mark_ = var.mark;
}

} // namespace loom
