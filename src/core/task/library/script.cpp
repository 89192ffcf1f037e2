#include "core/task/library/script.hpp"

#include "core/base/quote.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

/// What every script may say. `change WHAT COMMAND…` is the only way to change anything: with --check it says so and does nothing.
constexpr std::string_view script_prelude = R"sh(set -uf
umask 022
unset LANGUAGE
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
changes=0 here=0 content='' a_mode='' a_owner='' a_group=''
say() { printf '%s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
need() { has "$1" || fail "$1 is not on this node${2:+: $2}"; }
change() {
    what=$1 changes=1 here=1
    shift
    if [ "$check" = 1 ]; then say "would $what"; return 0; fi
    "$@" || fail "could not $what (exit $?)"
    say "$what"
}
# swap PATH: standard input takes the file's place, whole, with its owner and permissions.
swap() {
    new=$(mktemp "$(dirname "$1")/.loom.XXXXXXXX") || return 1
    if cat >"$new" && dress "$1" "$new" && mv -f "$new" "$1"; then return 0; fi
    rm -f "$new"
    return 1
}
dress() {
    if [ -e "$1" ]; then chown "$(stat -c %u:%g "$1")" "$2" && chmod "${a_mode:-$(stat -c %a "$1")}" "$2"
    else chmod "${a_mode:-644}" "$2"; fi
}
write_content() { printf '%s' "$content" | swap "$1"; }
real() { if [ -L "$1" ]; then readlink -f "$1"; else say "$1"; fi; }
# hold PATH: the file holds $content and nothing else.
hold() {
    file=$(real "$1") || fail "$1 is a link that leads nowhere"
    [ ! -d "$file" ] || fail "$1 is a folder"
    if [ -f "$file" ] && printf '%s' "$content" | cmp -s - "$file"; then return 0; fi
    [ -d "$(dirname "$file")" ] || fail "there is no folder $(dirname "$file")"
    change "write $1" write_content "$file"
}
# settle PATH: permissions and owner are those that were asked for.
settle() {
    [ -e "$1" ] || return 0
    case "$a_owner" in "" | "$(stat -c %U "$1")" | "$(stat -c %u "$1")") ;; *) change "give $1 to $a_owner" chown "$a_owner" "$1" ;; esac
    case "$a_group" in "" | "$(stat -c %G "$1")" | "$(stat -c %g "$1")") ;; *) change "give $1 to the group $a_group" chgrp "$a_group" "$1" ;; esac
    # Last: a new owner takes setuid away.
    if [ -n "$a_mode" ] && [ "$(stat -c %a "$1")" != "$a_mode" ]; then change "set permissions $a_mode of $1" chmod "$a_mode" "$1"; fi
}
)sh";

/// `~/` is the home of whoever runs the script; a name that looks like an option is none.
std::string path_word(const std::string& path) {
    if (path == "~") return "\"$HOME\"";
    if (path.starts_with("~/")) return "\"$HOME\"/" + shell_quote(path.substr(2)).value();
    return shell_quote(path.starts_with('-') ? "./" + path : path).value();
}

std::string value_word(const Parameter& parameter, const Arguments& arguments) {
    const auto& name = parameter.name;
    switch (parameter.kind) {
    case ParameterKind::flag: return arguments.flag(name) ? "true" : "false";
    case ParameterKind::path: return arguments.has(name) ? path_word(arguments.text(name)) : "''";
    case ParameterKind::names: return shell_quote(fmt::format("{}", fmt::join(arguments.texts(name), " "))).value();
    case ParameterKind::mode: return arguments.has(name) ? fmt::format("{:o}", arguments.mode(name)) : "''";
    case ParameterKind::duration: return std::to_string(std::chrono::ceil<std::chrono::seconds>(arguments.duration(name)).count());
    default: return shell_quote(arguments.text(name)).value();
    }
}

} // namespace

const std::string_view service_helpers = R"sh(
if [ -d /run/systemd/system ]; then
    running() { systemctl -q is-active "$1"; }
    serve() { systemctl "$1" "$2"; }
else
    running() { service "$1" status >/dev/null 2>&1; }
    serve() { service "$2" "$1"; }
fi
)sh";

std::string script_of(const LibraryTask& row, const std::vector<ScriptUse>& uses, const ScriptSetting& setting) {
    auto text = fmt::format("{{\n{}check={}\n{}{}\nwork() {{{}}}\n", script_prelude, setting.check ? 1 : 0, setting.environment, row.helpers, row.script);
    for (const auto& use : uses) {
        text += "here=0\n";
        for (const auto& parameter : row.info.parameters) text += fmt::format("a_{}={}\n", parameter.name, value_word(parameter, use.arguments));
        if (!row.content.empty()) text += "content=" + shell_quote(use.content).value() + "\n";
        text += "work\n";
    }
    return text + fmt::format("if [ \"$changes\" = 1 ]; then exit {}; fi\nexit 0\n}} </dev/null\n", script_changed);
}

Outcome outcome_of_script(Outcome outcome) {
    if (outcome.state != NodeState::failed || !outcome.exit_status) return outcome;
    if (*outcome.exit_status == script_changed) {
        outcome.state = NodeState::changed;
        outcome.exit_status = 0;
        outcome.message.clear();
        return outcome;
    }
    auto& said = outcome.err.text;
    while (said.ends_with('\n')) said.remove_suffix(1);
    if (said.empty() || !outcome.message.empty() || outcome.err.dropped_bytes > 0) return outcome;
    const auto last = said.rfind('\n') + 1; // from 0 on where it is the only line
    outcome.message = said.substr(last);
    said.remove_suffix(said.size() - last);
    return outcome;
}

} // namespace loom
