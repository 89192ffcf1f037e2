#pragma once
#include "core/config/ansible_groups.hpp"
#include "core/model/node.hpp"

#include <optional>

namespace loom {

/// Takes those of a host's variables that say how to log in, and puts them into the node's own fields.
class AnsibleLogin {
public:
    /// `node` and `warnings` outlive it.
    AnsibleLogin(Node& node, const std::string& home, Faults& warnings) : node_(node), home_(home), warnings_(warnings) {}

    /// Whether the variable is one of those; others are for `vars`. What cannot be carried is warned of.
    bool take(std::string_view key, const AnsibleVar& var);
    /// After the last one: a jump host of `ansible_ssh_extra_args` counts before that of `ansible_ssh_common_args`.
    void finish();

    /// Where a password of the node stands.
    const Mark* password_mark() const { return password_mark_ ? &*password_mark_ : nullptr; }

private:
    using Take = void (AnsibleLogin::*)(std::string_view key, const AnsibleVar& var, const std::string& text);
    struct Row;
    static const Row rows[];

    void take_address(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_port(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_user(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_password(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_identity(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_ssh_args(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_connection(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_become_method(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_become_user(std::string_view key, const AnsibleVar& var, const std::string& text);
    void take_become_password(std::string_view key, const AnsibleVar& var, const std::string& text);
    void ignore(std::string_view, const AnsibleVar&, const std::string&) {}
    void warn(const AnsibleVar& var, std::string message) { warnings_.push_back({var.mark, std::move(message)}); }

    Node& node_;
    const std::string& home_;
    Faults& warnings_;
    std::optional<Mark> password_mark_;
    std::string common_jump_, extra_jump_;
};

/// The jump host that options of ssh(1) name in plain words: `-J a,b`, `-o ProxyJump=a`, or a ProxyCommand that is
/// `ssh -W %h:%p a`. `others` takes the options that were not understood.
std::string jump_of_ssh_args(const std::vector<std::string>& words, std::vector<std::string>& others);

} // namespace loom
