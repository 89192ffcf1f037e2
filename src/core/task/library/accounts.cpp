#include "core/task/library/library.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

constexpr std::string_view user_helpers = R"sh(
account() { getent passwd "$a_name" | cut -d: -f"$1"; }
in_group() { case " $(id -nG "$a_name" 2>/dev/null) " in *" $1 "*) ;; *) false ;; esac; }
)sh";

constexpr std::string_view user_script = R"sh(
    if [ "$a_state" = absent ]; then
        getent passwd "$a_name" >/dev/null || return 0
        need userdel "the package passwd or shadow brings it"
        if [ "$a_remove_home" = true ]; then change "remove user $a_name and the home" userdel -r "$a_name"
        else change "remove user $a_name" userdel "$a_name"; fi
        return 0
    fi
    if ! getent passwd "$a_name" >/dev/null; then
        need useradd "the package passwd or shadow brings it"
        set -- ${a_uid:+-u "$a_uid"} ${a_group:+-g "$a_group"} ${a_home:+-d "$a_home"} ${a_shell:+-s "$a_shell"} ${a_comment:+-c "$a_comment"}
        if [ "$a_system" = true ]; then set -- -r "$@"; else set -- -m "$@"; fi
        change "create user $a_name" useradd "$@" "$a_name"
        [ "$check" = 0 ] || return 0
    fi
    [ -z "$a_uid" ] || [ "$(account 3)" = "$a_uid" ] || change "give $a_name the uid $a_uid" usermod -u "$a_uid" "$a_name"
    case "$a_group" in "" | "$(id -gn "$a_name")" | "$(account 4)") ;; *) change "make $a_group the group of $a_name" usermod -g "$a_group" "$a_name" ;; esac
    [ -z "$a_home" ] || [ "$(account 6)" = "$a_home" ] || change "make $a_home the home of $a_name" usermod -d "$a_home" "$a_name"
    [ -z "$a_shell" ] || [ "$(account 7)" = "$a_shell" ] || change "make $a_shell the shell of $a_name" usermod -s "$a_shell" "$a_name"
    [ -z "$a_comment" ] || [ "$(account 5)" = "$a_comment" ] || change "set the comment of $a_name" usermod -c "$a_comment" "$a_name"
    for group in $a_groups; do
        in_group "$group" || change "add $a_name to the group $group" usermod -a -G "$group" "$a_name"
    done
)sh";

constexpr std::string_view group_script = R"sh(
    gid=$(getent group "$a_name" | cut -d: -f3)
    if [ "$a_state" = absent ]; then
        [ -z "$gid" ] || change "remove group $a_name" groupdel "$a_name"
        return 0
    fi
    if [ -z "$gid" ]; then
        set -- ${a_gid:+-g "$a_gid"}
        if [ "$a_system" = true ]; then set -- -r "$@"; fi
        change "create group $a_name" groupadd "$@" "$a_name"
    elif [ -n "$a_gid" ] && [ "$gid" != "$a_gid" ]; then
        change "give the group $a_name the gid $a_gid" groupmod -g "$a_gid" "$a_name"
    fi
)sh";

/// A key is known by its base64: options before it and the comment behind it may differ.
constexpr std::string_view key_helpers = R"sh(
key_part() {
    for word in $1; do
        case $word in AAAA*) say "$word"; return 0 ;; esac
    done
    return 1
}
has_key() { [ -f "$1" ] && grep -v '^[[:space:]]*#' "$1" | grep -qF -e "$part"; }
add_key() {
    [ -d "$folder" ] || { mkdir -m 700 "$folder" && chown "$a_user:" "$folder"; } || return 1
    new=$(mktemp "$folder/.loom.XXXXXXXX") || return 1
    if { [ ! -f "$1" ] || cat "$1"; [ ! -s "$1" ] || [ -z "$(tail -c 1 "$1")" ] || echo; say "$a_key"; } >"$new" &&
        chmod 600 "$new" && chown "$a_user:" "$new" && mv -f "$new" "$1"; then return 0; fi
    rm -f "$new"
    return 1
}
drop_key() { { grep -vF -e "$part" "$1" || [ "$?" = 1 ]; } | swap "$1"; }
)sh";

constexpr std::string_view key_script = R"sh(
    [ -n "$a_user" ] || a_user=$(id -un)
    home=$(getent passwd "$a_user" | cut -d: -f6)
    [ -n "$home" ] || fail "there is no user $a_user"
    part=$(key_part "$a_key") || fail "key: expected a line of a .pub file"
    folder=$home/.ssh file=$home/.ssh/authorized_keys
    # Root follows no link that the account's owner could have laid.
    if [ -L "$folder" ] || [ -L "$file" ]; then fail "$file is reached by a link"; fi
    if [ "$a_state" = absent ]; then
        if has_key "$file"; then change "remove a key of $a_user" drop_key "$file"; fi
    elif ! has_key "$file"; then
        change "add a key of $a_user" add_key "$file"
    fi
)sh";

constexpr std::string_view cron_script = R"sh(
    case $a_name in *[!A-Za-z0-9_-]*) fail "name: only letters, digits, _ and - (cron reads no other file)" ;; esac
    file=/etc/cron.d/loom-$a_name
    if [ "$a_state" = absent ]; then
        [ ! -e "$file" ] || change "remove $file" rm -f "$file"
        return 0
    fi
    content="# Written by loom.system.cron.
$a_schedule $a_user $a_command
"
    a_mode=644
    hold "$file"
    settle "$file"
)sh";

Result<void> cron_rule(const Arguments& arguments) {
    if (arguments.text("state") == "absent" || (arguments.has("schedule") && arguments.has("command"))) {
        for (const auto* name : {"schedule", "command"})
            if (arguments.text(name).find('\n') != std::string::npos) return Error{Errc::config, std::string(name) + ": expected one line"};
        return {};
    }
    return Error{Errc::config, "needs schedule and command"};
}

Result<void> key_rule(const Arguments& arguments) {
    if (arguments.text("key").find('\n') == std::string::npos) return {};
    return Error{Errc::config, "key: expected one line, as in a .pub file"};
}

Parameter there(std::string_view about) { return {"state", Kind::choice, about, "present", false, {"present", "absent"}}; }

} // namespace

std::vector<LibraryTask> account_tasks() {
    return {
        {.info = {"loom.system.user", "A user account is there, as described, or is not.",
                  {{"name", Kind::name, "The login name", "", true},
                   {"groups", Kind::names, "Groups that it is in; it stays in others"},
                   {"shell", Kind::text, "The login shell"},
                   {"home", Kind::text, "The home; an old one is not moved"},
                   {"uid", Kind::number, "The number"},
                   {"group", Kind::name, "The primary group"},
                   {"comment", Kind::text, "The full name"},
                   {"system", Kind::flag, "A new one is a system account, without a home that is made", "false"},
                   there("Whether it is there"),
                   {"remove_home", Kind::flag, "With `absent`: the home goes too", "false"}},
                  "kwargs: {name: deploy, groups: [www-data], shell: /bin/bash}", true,
                  "What is left out stays as it is. A new account has no password: loom.system.authorized_key lets it log in."},
         .script = user_script, .helpers = user_helpers},
        {.info = {"loom.system.group", "A group is there or is not.",
                  {{"name", Kind::name, "Its name", "", true}, {"gid", Kind::number, "Its number"},
                   {"system", Kind::flag, "A new one is a system group", "false"}, there("Whether it is there")},
                  "args: [deploy]"},
         .script = group_script},
        {.info = {"loom.system.authorized_key", "A public key may log in to an account, or may not.",
                  {{"key", Kind::text, "The line of the .pub file, options before it allowed", "", true},
                   {"user", Kind::name, "Whose account; without it, who runs the task"},
                   there("Whether it is in ~/.ssh/authorized_keys")},
                  "kwargs: {user: deploy, key: ssh-ed25519 AAAAC3Nz… anna@laptop}", true,
                  "A key that is there already keeps its options and its comment."},
         .script = key_script, .helpers = key_helpers, .rule = key_rule},
        {.info = {"loom.system.cron", "The node's own cron has an entry, or has not: a file /etc/cron.d/loom-NAME.",
                  {{"name", Kind::name, "Its name: letters, digits, _ and -", "", true},
                   {"schedule", Kind::text, "The five fields, or @daily and its kin"},
                   {"command", Kind::text, "The line that cron runs; cron takes an unescaped % for a line end"},
                   {"user", Kind::name, "As whom", "root"}, there("Whether it is there")},
                  "kwargs: {name: rotate, schedule: \"0 3 * * *\", command: /usr/local/bin/rotate, user: app}", true,
                  "For what must run while the node is alone; else a schedule of Loom's shows what became of it."},
         .script = cron_script, .rule = cron_rule},
    };
}

} // namespace loom
