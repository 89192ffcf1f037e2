#include "app/cli/command_table.hpp"
#include "app/cli/exec_options.hpp"
#include "app/cli/options.hpp"
#include "core/base/base64.hpp"
#include "core/base/duration.hpp"
#include "core/base/limits.hpp"
#include "core/base/quote.hpp"
#include "core/config/reading.hpp"
#include "core/task/library/library.hpp"

#include <algorithm>
#include <istream>

namespace loom {
namespace {

/// What only a command has.
struct CommandOptions : ExecOptions {
    bool input = false;
    std::vector<std::string> arguments; ///< of a task: `KEY=VALUE`
};

/// `off` and 0 are no deadline; nothing leaves the default.
Result<std::int64_t> read_deadline(const char* flag, const std::string& text) {
    if (text.empty()) return std::int64_t{-1};
    if (text == "off") return std::int64_t{0};
    const auto duration = parse_duration(text);
    if (!duration) return usage_error(std::string(flag) + ": " + duration.error().message);
    return static_cast<std::int64_t>(duration->count());
}

/// One word is shell text as it stands; several are an argv.
Result<std::string> command_text(const std::vector<std::string>& words) {
    if (words.empty()) return usage_error("expected the command after --, as in: loom exec web[1-3] -- uptime");
    if (words.size() > 1) return shell_join(words);
    if (words.front().find('\0') != std::string::npos) return usage_error("a command cannot hold a NUL");
    if (words.front().empty()) return usage_error("the command is empty");
    return words.front();
}

/// What goes with the command: input, and how it becomes another user. Asks at the terminal last.
Result<void> read_extras(std::istream& in, const CommandOptions& options, StartExec& request) {
    if (options.input) {
        std::string bytes(limits::input_bytes + 1, '\0');
        in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        bytes.resize(static_cast<std::size_t>(in.gcount()));
        if (bytes.size() > limits::input_bytes)
            return usage_error("--stdin: more than " + std::to_string(limits::input_bytes) +
                               " bytes: give a command this much as a file");
        request.stdin_base64 = base64_encode(bytes);
    }
    request.become = request.become || options.flags.ask_password || !request.become_user.empty();
    return ask_become_password(options.flags, request.become_password);
}

/// Whether the task is one of the library's and takes nothing but text there.
bool takes_text(std::string_view task, std::string_view name) {
    const auto rows = task_library();
    const auto row = std::ranges::find(rows, task, [](const auto& each) { return each.info.name; });
    if (row == rows.end()) return false;
    const auto parameter = std::ranges::find(row->info.parameters, name, &Parameter::name);
    return parameter != row->info.parameters.end() && parameter->kind == ParameterKind::text;
}

/// A value is text, as it was typed; one that begins with `[` or `{` and is YAML as a whole is a list or a map, unless the
/// parameter takes text.
boost::json::value argument_value(const std::string& text, bool only_text) {
    if (only_text || (!text.starts_with('[') && !text.starts_with('{'))) return boost::json::value(text);
    const SourceText source{"", "--arg", text};
    const auto document = parse_yaml(source);
    if (!document) return boost::json::value(text);
    Faults faults;
    auto value = to_json(document->root(), faults);
    return faults.empty() ? value : boost::json::value(text);
}

Result<boost::json::object> task_arguments(const std::string& task, const std::vector<std::string>& arguments) {
    boost::json::object named;
    for (const auto& argument : arguments) {
        const auto equals = argument.find('=');
        if (equals == argument.npos || equals == 0) return usage_error("--arg: expected NAME=VALUE, not \"" + argument + "\"");
        const auto name = argument.substr(0, equals);
        auto value = argument_value(argument.substr(equals + 1), takes_text(task, name));
        if (!named.emplace(name, std::move(value)).second) return usage_error("--arg " + name + " is given twice");
    }
    return named;
}

Result<StartExec> make_request(const CommandOptions& options, const std::vector<std::string>& words) {
    auto request = read_exec_options(options);
    if (!request) return request;
    if (!request->task.empty()) {
        if (!words.empty()) return usage_error("expected a task or a command after --, not both");
        auto named = task_arguments(request->task, options.arguments);
        if (!named) return named.error();
        request->kwargs = std::move(*named);
        return request;
    }
    if (!options.arguments.empty()) return usage_error("--arg is for a task: --task NAME");
    auto command = command_text(words);
    if (!command) return command.error();
    request->command = std::move(*command);
    return request;
}

} // namespace

Result<StartExec> read_exec_options(const ExecOptions& options) {
    auto request = options.request;
    const auto connect = read_deadline("--connect-timeout", options.connect_timeout);
    if (!connect) return connect.error();
    const auto deadline = read_deadline("--timeout", options.command_timeout);
    if (!deadline) return deadline.error();
    const auto whole = read_deadline("--run-timeout", options.run_timeout);
    if (!whole) return whole.error();
    request.connect_ms = *connect;
    request.command_ms = *deadline;
    request.run_ms = *whole;
    return request;
}

void add_exec_options(CLI::App& app, ExecOptions& options) {
    auto& request = options.request;
    app.add_option("TARGETS", request.targets, "Nodes, as in web[001-20],@db!db3")->required();
    add_parallel(app, request.parallel, request.parallel_auto);
    app.add_option("--limit", request.limit, "Of these nodes only")->type_name("NODESET");
    app.add_flag("--adhoc", request.adhoc, "TARGETS are any host names, in the nodes file or not");
    app.add_option("--user", request.user, "Log in as (for nodes that are not in the nodes file)")->type_name("USER");
    app.add_option("--port", request.port, "Connect to (for the same)")->type_name("N")->check(number_between(1, 65535));
    app.add_option("--identity", request.identity, "Private key (for the same)")->type_name("FILE");
    app.add_option("--connect-timeout", options.connect_timeout, "Deadline of one connect, as in 10s, or off")->type_name("TIME");
    app.add_option("--timeout", options.command_timeout, "Deadline of the work on one node, as in 5m, or off")->type_name("TIME");
    app.add_option("--run-timeout", options.run_timeout, "Deadline of the whole run, or off")->type_name("TIME");
    app.add_option("--connect-tries", request.connect_tries, "How often to try to connect")->type_name("N")->check(number_between(1, 100));
    add_check_flag(app, request.check);
    add_run_flags(app, options.flags);
}

Action exec_command(CLI::App& app) {
    const auto options = std::make_shared<CommandOptions>();
    add_exec_options(app, *options);
    app.add_option("--task", options->request.task, "In place of a command: a task of `loom tasks`")->type_name("TASK");
    app.add_option("--arg", options->arguments, "One of the task's arguments, several times: text, or a [list] or {map: of YAML} where the task takes more than text")->type_name("NAME=VALUE")->allow_extra_args(false);
    app.add_flag("--stdin", options->input, "Read standard input, and give it to the command on each node");
    app.add_flag("--pty", options->request.pty, "Run the command on a terminal: its two streams become one");
    app.add_flag("--become", options->request.become, "Run the command through sudo");
    app.add_option("--become-user", options->request.become_user, "Run it through sudo as this user; else as the node's `become` says, else as root")->type_name("USER");
    add_password_flag(app, options->flags);
    app.add_flag("--end-with-link", options->request.end_with_link, "Let the node end the command when the connection is lost");
    app.footer("One word after -- is shell text and sent as it is; several are quoted, so that each arrives as it was:\n"
               "  loom exec web[1-3] -- 'df -h | tail -1'\n  loom exec web[1-3] -- grep 'two words' /etc/motd\n"
               "A task is told its arguments by name: loom exec @web --task loom.debian.install --arg packages=nginx --check");
    return [options](CommandContext& context, const std::vector<std::string>& words) {
        auto made = make_request(*options, words);
        if (!made) return fail(context, made.error());
        if (auto read = read_extras(context.streams.in, *options, *made); !read) return fail(context, read.error());
        return start_run<&Service::start_exec, &Service::plan_exec>(context, options->flags, std::move(*made));
    };
}

} // namespace loom
