#include "core/task/builtin/shell_task.hpp"

#include "core/base/near.hpp"
#include "core/base/quote.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

class ShellTask final : public Task {
public:
    ShellTask(ShellPlace place, std::string line, std::string become)
        : place_(place), line_(std::move(line)), become_(std::move(become)) {}

    bool needs_remote() const override { return place_ != ShellPlace::local; }

    awaitable<Outcome> run(TaskContext context) override {
        ExecRequest request;
        request.command = line_;
        request.timeout = context.timeout;
        request.become = become_;
        if (place_ == ShellPlace::local) co_return co_await context.local->run(std::move(request), context.stop);
        co_return co_await context.remote->exec(std::move(request), context.stop);
    }

private:
    ShellPlace place_;
    std::string line_, become_;
};

Error wrong(std::string message) { return {Errc::config, std::move(message)}; }

/// `export A='1'; cd -- 'dir' || exit; `: sshd refuses most environment requests, so both travel in the text.
Result<std::string> prelude(const TaskSpec& spec) {
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

} // namespace

Result<std::unique_ptr<Task>> make_shell_task(ShellPlace place, const TaskSpec& spec) {
    if (auto good = check_kwargs(spec, place); !good) return good.error();
    auto line = command_of(spec);
    if (!line) return line.error();
    auto before = prelude(spec);
    if (!before) return before.error();
    std::string text = *before + *line, become;
    if (place == ShellPlace::sudo) {
        become = "sudo -n ";
        if (const auto* user = spec.kwargs.if_contains("user")) {
            auto quoted = shell_quote(std::string(user->get_string()));
            if (!quoted) return wrong("user: " + quoted.error().message);
            become += "-u " + *quoted + " ";
        }
        become += "-- ";
        text = become + "/bin/sh -c " + shell_quote(text).value();
    }
    return std::unique_ptr<Task>(std::make_unique<ShellTask>(place, std::move(text), std::move(become)));
}

} // namespace loom
