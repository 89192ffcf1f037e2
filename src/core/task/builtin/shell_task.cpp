#include "core/task/builtin/shell_task.hpp"

#include "core/base/near.hpp"
#include "core/base/quote.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

class ShellTask final : public Task {
public:
    ShellTask(ShellPlace place, ExecRequest request) : place_(place), request_(std::move(request)) {}

    bool needs_remote() const override { return place_ != ShellPlace::local; }

    awaitable<Outcome> run(TaskContext context) override {
        auto request = std::move(request_);
        request.timeout = context.timeout;
        request.output = std::move(context.output);
        if (request.become && context.node) request.become = joined(std::move(*request.become), context.node->become);
        if (place_ == ShellPlace::local) co_return co_await context.local->run(std::move(request), context.stop);
        co_return co_await context.remote->exec(std::move(request), context.stop);
    }

private:
    ShellPlace place_;
    ExecRequest request_;
};

Error wrong(std::string message) { return {Errc::config, std::move(message)}; }

Result<std::string> command_of(const TaskSpec& spec) {
    const boost::json::value* command = spec.args.empty() ? spec.kwargs.if_contains("command") : &spec.args[0];
    if (!command) return wrong(spec.name + " needs a command: args: [\"…\"]");
    if (spec.args.size() > 1) return wrong(spec.name + " takes one argument, the shell line; pass others in kwargs");
    if (!spec.args.empty() && spec.kwargs.contains("command")) return wrong(spec.name + " got its command twice");
    if (!command->is_string()) return wrong(spec.name + ": the command must be text");
    const std::string line(command->get_string());
    if (line.find('\0') != std::string::npos) return wrong(spec.name + ": a NUL byte cannot be part of a command");
    if (line.find_first_not_of(" \t\n") == std::string::npos) return wrong(spec.name + ": the command is empty");
    return line;
}

Result<void> check_kwargs(const TaskSpec& spec, ShellPlace place) {
    std::vector<std::string> known = {"command"};
    if (place == ShellPlace::sudo) known.emplace_back("user");
    for (const auto& entry : spec.kwargs) {
        const std::string name(entry.key());
        if (std::find(known.begin(), known.end(), name) == known.end())
            return wrong(fmt::format("{} has no argument \"{}\"{}", spec.name, name, did_you_mean(name, known)));
        if (!entry.value().is_string()) return wrong(fmt::format("{}: {} must be text", spec.name, name));
    }
    return {};
}

/// What belongs to a node's shell only, and what excludes each other.
Result<void> check_ways(const TaskSpec& spec, ShellPlace place) {
    const bool input = spec.input && !spec.input->empty();
    if (input && spec.end_with_link)
        return wrong("\"stdin\" and \"on_link_loss: kill\" exclude each other: the second needs the stream for itself");
    if (place != ShellPlace::local) return {};
    if (input || spec.pty || spec.end_with_link || spec.become)
        return wrong(spec.name + " knows no stdin, pty, on_link_loss and become: they are for commands on nodes");
    return {};
}

} // namespace

Result<std::string> environment_text(const TaskSpec& spec) {
    std::string text;
    for (const auto& [name, value] : spec.env) {
        auto quoted = shell_quote(value);
        if (!quoted) return wrong(fmt::format("env.{}: {}", name, quoted.error().message));
        text += fmt::format("export {}={}; ", name, *quoted);
    }
    if (!spec.cwd.empty()) {
        auto quoted = shell_quote(spec.cwd);
        if (!quoted) return wrong("cwd: " + quoted.error().message);
        text += fmt::format("cd -- {} || exit; ", *quoted);
    }
    return text;
}

Result<void> check_become(const std::optional<Become>& become) {
    if (!become) return {};
    const auto& user = become->user;
    if (user.starts_with('-') || user.find('\0') != std::string::npos) return wrong(fmt::format("user: \"{}\" is no user's name", user));
    return {};
}

Result<std::unique_ptr<Task>> make_shell_task(ShellPlace place, const TaskSpec& spec) {
    if (auto good = check_kwargs(spec, place); !good) return good.error();
    auto line = command_of(spec);
    if (!line) return line.error();
    auto before = environment_text(spec);
    if (!before) return before.error();
    if (auto good = check_ways(spec, place); !good) return good.error();
    ExecRequest request;
    request.command = *before + *line;
    if (spec.input) request.input = *spec.input;
    request.pty = spec.pty;
    request.end_with_link = spec.end_with_link;
    request.become = spec.become;
    if (place == ShellPlace::sudo) {
        if (!request.become) request.become.emplace();
        if (const auto* user = spec.kwargs.if_contains("user")) request.become->user = std::string(user->get_string());
    }
    if (auto good = check_become(request.become); !good) return good.error();
    return std::unique_ptr<Task>(std::make_unique<ShellTask>(place, std::move(request)));
}

} // namespace loom
