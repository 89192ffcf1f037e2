#include "core/task/builtin/plugin_task.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

class PluginTask final : public Task {
public:
    explicit PluginTask(PluginCall call) : call_(std::move(call)) {}

    bool can_check() const override { return true; } // the worker knows whether the callable can, and passes over what cannot

    awaitable<Outcome> run(TaskContext context) override {
        if (context.plugins) co_return co_await context.plugins->run(std::move(call_), std::move(context));
        Outcome outcome;
        outcome.message = call_.task.name + ": there are no workers here";
        co_return outcome;
    }

private:
    PluginCall call_;
};

} // namespace

Result<std::unique_ptr<Task>> make_plugin_task(Plugin plugin, const TaskSpec& spec) {
    const auto wrong = [&](std::string_view what) { return Error{Errc::config, fmt::format("{}: {}", spec.name, what)}; };
    const auto dot = spec.name.rfind('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == spec.name.size())
        return wrong("expected the dotted name of a callable, module.function");
    // They are of one command; a task runs as many as it likes, and says for each.
    if ((spec.input && !spec.input->empty()) || spec.pty || spec.end_with_link)
        return wrong("stdin, pty and on_link_loss are for commands: the task says for each of its own");
    return std::unique_ptr<Task>(std::make_unique<PluginTask>(PluginCall{std::move(plugin), spec}));
}

} // namespace loom
