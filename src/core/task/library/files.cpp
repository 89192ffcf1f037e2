#include "core/task/library/library.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

constexpr std::string_view template_script = R"sh(
    hold "$a_path"
    settle "$a_path"
)sh";

constexpr std::string_view line_helpers = R"sh(
replace_line() { { head -n "$(($2 - 1))" "$1"; printf '%s\n' "$a_line"; tail -n "+$(($2 + 1))" "$1"; } | swap "$1"; }
append_line() { { cat "$1"; [ -z "$(tail -c 1 "$1")" ] || echo; printf '%s\n' "$a_line"; } | swap "$1"; }
remove_lines() { { grep -v "$2" -e "$3" "$1" || [ "$?" = 1 ]; } | swap "$1"; }
)sh";

constexpr std::string_view line_script = R"sh(
    case $a_line in *"
"*) fail "line: it holds a line end" ;; esac
    if [ -n "$a_match" ]; then
        grep -E -e "$a_match" </dev/null
        [ "$?" = 1 ] || fail "match: grep -E does not understand it"
    fi
    file=$(real "$a_path") || fail "$a_path is a link that leads nowhere"
    [ ! -d "$file" ] || fail "$a_path is a folder"
    if [ "$a_state" = absent ]; then
        [ -e "$file" ] || return 0
        if [ -n "$a_match" ]; then way=-E pattern=$a_match; else way=-xF pattern=$a_line; fi
        count=$(grep -c "$way" -e "$pattern" "$file")
        [ "$count" = 0 ] || change "remove $count line$([ "$count" = 1 ] || echo s) from $a_path" remove_lines "$file" "$way" "$pattern"
        return 0
    fi
    if [ ! -e "$file" ]; then
        [ "$a_create" = true ] || fail "there is no $a_path (create: true makes it)"
        content="$a_line
"
        hold "$a_path"
        settle "$a_path"
        return 0
    fi
    at=''
    if [ -n "$a_match" ]; then at=$(grep -nE -e "$a_match" "$file" | tail -n 1 | cut -d: -f1); fi
    if [ -n "$at" ]; then
        [ "$(sed -n "${at}p" "$file")" = "$a_line" ] || change "replace line $at of $a_path" replace_line "$file" "$at"
    elif ! grep -qxF -e "$a_line" "$file"; then
        change "add a line to $a_path" append_line "$file"
    fi
    settle "$a_path"
)sh";

constexpr std::string_view directory_script = R"sh(
    if [ ! -d "$a_path" ]; then
        if [ -e "$a_path" ] || [ -L "$a_path" ]; then fail "$a_path is there, and no folder"; fi
        change "make folder $a_path" mkdir -p "$a_path"
    fi
    settle "$a_path"
)sh";

constexpr std::string_view remove_script = R"sh(
    path=$a_path
    while [ "${path%/}" != "$path" ] && [ "$path" != / ]; do path=${path%/}; done
    case $path in / | . | .. | */. | */.. | "$HOME") fail "$a_path is not removed by this task" ;; esac
    if [ -d "$path" ] && [ ! -L "$path" ]; then
        if [ "$a_recursive" = true ]; then change "remove $path with what it holds" rm -rf "$path"; return 0; fi
        [ -z "$(ls -A "$path")" ] || fail "$path is a folder that holds something (recursive: true removes that too)"
        change "remove folder $path" rmdir "$path"
    elif [ -e "$path" ] || [ -L "$path" ]; then
        change "remove $path" rm -f "$path"
    fi
)sh";

constexpr std::string_view fetch_helpers = R"sh(
sha256_of() { sha256sum <"$1" | cut -d' ' -f1; }
fetched() { [ -f "$a_path" ] && { [ -z "$a_sha256" ] || [ "$(sha256_of "$a_path")" = "$a_sha256" ]; }; }
download() {
    if has curl; then curl -fsSL --max-time "$a_timeout" --url "$a_url" -o "$1"
    else wget -q -T "$a_timeout" -O "$1" "$a_url"; fi
}
right_sum() {
    [ -z "$a_sha256" ] || [ "$(sha256_of "$1")" = "$a_sha256" ] || { say "SHA-256 is $(sha256_of "$1")" >&2; false; }
}
fetch() {
    new=$(mktemp "$(dirname "$1")/.loom.XXXXXXXX") || return 1
    if download "$new" && right_sum "$new" && dress "$1" "$new" && mv -f "$new" "$1"; then return 0; fi
    rm -f "$new"
    return 1
}
)sh";

constexpr std::string_view fetch_script = R"sh(
    [ ! -d "$a_path" ] || fail "$a_path is a folder"
    has curl || need wget "curl or wget fetches"
    fetched || change "fetch $a_url to $a_path" fetch "$a_path"
    settle "$a_path"
)sh";

Result<void> line_rule(const Arguments& arguments) {
    if (arguments.has("line") || (arguments.text("state") == "absent" && arguments.has("match"))) return {};
    return Error{Errc::config, "needs line: the whole line, without its end"};
}

const Parameter file_mode{"mode", Kind::mode, "Permissions; without it they stay, and a new file has 0644"};
const Parameter file_owner{"owner", Kind::name, "Whose it is; without it that stays"};
const Parameter file_group{"group", Kind::name, "Its group; without it that stays"};

} // namespace

std::vector<LibraryTask> file_tasks() {
    return {
        {.info = {"loom.files.template", "A file holds the text of a local file, its placeholders filled in for the node.",
                  {{"source", Kind::local, "The text with {{ node.name }}, {{ node.vars.x }} and the like", "", true},
                   {"path", Kind::path, "The file on the node; its folder is there", "", true}, file_mode, file_owner, file_group},
                  "kwargs: {source: /srv/config/app.conf, path: /etc/app.conf, mode: 0640, group: app}", true,
                  "A placeholder without a value fails the node. The file is replaced whole. It may hold any bytes but NUL, up to 1 MiB."},
         .script = template_script, .content = "source"},
        {.info = {"loom.files.line", "One line is in a file, or is not.",
                  {{"path", Kind::path, "The file", "", true},
                   {"line", Kind::text, "The whole line, without its end"},
                   {"match", Kind::text, "An extended regular expression (grep -E): the last line that it fits gives way to `line`; none does: it is added at the end"},
                   {"state", Kind::choice, "`absent` removes the lines that `match` fits, or without it those that are `line`", "present", false, {"present", "absent"}},
                   {"create", Kind::flag, "Make a file that is not there", "false"}, file_mode, file_owner, file_group},
                  "kwargs: {path: /etc/ssh/sshd_config, match: \"^#?PermitRootLogin\", line: PermitRootLogin no}"},
         .script = line_script, .helpers = line_helpers, .rule = line_rule},
        {.info = {"loom.files.directory", "A folder is there.",
                  {{"path", Kind::path, "The folder; its parents are made too", "", true},
                   {"mode", Kind::mode, "Permissions; without it they stay, and a new one has 0755"}, file_owner, file_group},
                  "args: [/srv/app, 0750, app]"},
         .script = directory_script},
        {.info = {"loom.files.remove", "A file, a link or a folder is not there.",
                  {{"path", Kind::path, "What goes; a link itself, never what it leads to", "", true},
                   {"recursive", Kind::flag, "A folder goes with all that it holds", "false"}},
                  "kwargs: {path: /var/cache/app, recursive: true}"},
         .script = remove_script},
        {.info = {"loom.files.fetch", "A file on the node holds what a URL gives.",
                  {{"url", Kind::text, "http:// or https://", "", true},
                   {"path", Kind::path, "The file on the node; its folder is there", "", true},
                   {"sha256", Kind::name, "What it must hash to, in small hexadecimal digits; without it a file that is there is left alone"},
                   file_mode, file_owner, file_group,
                   {"timeout", Kind::duration, "How long the download may take", "5m"}},
                  "kwargs: {url: \"https://example.org/app.tar.gz\", path: /srv/app.tar.gz}", true,
                  "The node fetches it itself, by curl or wget. The file is replaced whole, and only by what hashes right."},
         .script = fetch_script, .helpers = fetch_helpers, .rule = url_rule},
    };
}

} // namespace loom
