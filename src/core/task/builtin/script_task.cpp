#include "core/task/builtin/script_task.hpp"

#include "core/base/quote.hpp"
#include "core/task/builtin/shell_task.hpp"

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// The text comes on standard input and goes into a file, since an interpreter is found by the file's `#!` and may read its
/// script while it runs it; a file without one is the shell's own. What the script reads is empty. The file goes with the
/// shell, whatever ends it but KILL.
constexpr std::string_view frame = "f=$(mktemp \"${TMPDIR:-/tmp}/loom-script.XXXXXXXX\") || exit; "
                                   "trap 'rm -f \"$f\"' EXIT; trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM; "
                                   "cat >\"$f\" && chmod 700 \"$f\" && \"$f\" \"$@\" </dev/null";

Error wrong_script(std::string message) { return {Errc::config, "script: " + std::move(message)}; }

/// An argument as the script sees it: text as it stands, anything else as JSON.
std::string word_of(const boost::json::value& argument) {
    if (const auto* text = argument.if_string()) return std::string(*text);
    return boost::json::serialize(argument);
}

std::string path_of(const TaskSpec& spec) {
    const auto* path = spec.kwargs.if_contains("path");
    return path && path->is_string() ? std::string(path->get_string()) : std::string();
}

} // namespace

Result<std::unique_ptr<Task>> make_script_task(const TaskSpec& spec) {
    if (path_of(spec).empty() || !spec.input) return wrong_script("expected the path of a file: script: backup.sh");
    if (spec.kwargs.size() > 1) return wrong_script("takes args, and no kwargs");
    if (spec.input->empty()) return wrong_script("the file is empty");
    if (spec.pty || spec.end_with_link) return wrong_script("its text is sent as standard input, which pty and on_link_loss: kill would take");
    std::vector<std::string> words{"exec", "/bin/sh", "-c", std::string(frame), "sh"};
    for (const auto& argument : spec.args) words.push_back(word_of(argument));
    const auto line = shell_join(words);
    if (!line) return wrong_script(line.error().message);
    // From here on it is a command like any other.
    auto command = spec;
    command.name = "fabric.api.run";
    command.args = {boost::json::value(*line)};
    command.kwargs.clear();
    return make_shell_task(ShellPlace::remote, command);
}

std::string describe_script_task(const TaskSpec& spec) {
    if (spec.name != "loom.script") return {};
    const auto path = path_of(spec);
    return "script: " + path.substr(path.rfind('/') + 1);
}

} // namespace loom
