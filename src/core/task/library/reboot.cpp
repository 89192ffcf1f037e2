#include "core/task/library/reboot.hpp"

#include "core/async/deadline.hpp"
#include "core/task/builtin/shell_task.hpp"
#include "core/task/library/script.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using Kind = ParameterKind;

/// For one look: what hangs there is dropped, and looked at again.
constexpr std::chrono::seconds one_look{30};

/// The node goes down after the script has ended, so that the end is known.
constexpr std::string_view reboot_helpers = R"sh(
go_down() {
    unset LOOM_EXEC
    if has setsid; then leave=setsid; else leave=nohup; fi
    "$leave" /bin/sh -c "sleep 1; $a_command" >/dev/null 2>&1 </dev/null &
}
)sh";

constexpr std::string_view reboot_script = R"sh(
    cat /proc/sys/kernel/random/boot_id
    change "boot the node" go_down
)sh";

/// The first line of what the node said.
std::string boot_id_in(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

Outcome reboot_ended(NodeState state, std::string message) {
    Outcome outcome;
    outcome.state = state;
    outcome.phase = Phase::command;
    outcome.message = std::move(message);
    return outcome;
}

Outcome reboot_stopped(const StopToken& stop) {
    const auto reason = stop.reason();
    const auto state = reason == StopReason::cancelled ? NodeState::cancelled : reason == StopReason::timed_out ? NodeState::timed_out : NodeState::interrupted;
    return reboot_ended(state, "the node was told to boot; whether it is back is not known");
}

class RebootTask final : public Task {
public:
    RebootTask(const LibraryTask& row, TaskSpec spec, Arguments arguments) : row_(row), spec_(std::move(spec)), arguments_(std::move(arguments)) {}

    bool can_check() const override { return true; }

    awaitable<Outcome> run(TaskContext context) override {
        ScriptUse use;
        use.arguments = arguments_;
        std::vector<ScriptUse> uses(1, use);
        ScriptSetting setting;
        setting.check = spec_.check;
        ExecRequest request;
        request.command = "exec /bin/sh -s";
        request.input = script_of(row_, uses, setting);
        request.timeout = context.timeout;
        if (spec_.become) request.become = joined(*spec_.become, context.node->become);
        auto outcome = co_await context.remote->exec(std::move(request), context.stop);
        outcome = outcome_of_script(std::move(outcome));
        if (outcome.state != NodeState::changed || spec_.check || !arguments_.flag("wait")) co_return outcome;
        const auto before = boot_id_in(outcome.out.text);
        co_return co_await wait_for_another(std::move(context), before);
    }

private:
    /// The connection that the task came by is of no use any more: each look has one of its own.
    awaitable<Outcome> wait_for_another(TaskContext context, std::string before) {
        const auto begun = std::chrono::steady_clock::now();
        const auto most = arguments_.duration("timeout");
        std::string last = "it did not go down";
        for (;;) {
            const bool waited = co_await pause_for(arguments_.duration("interval"), context.stop);
            if (!waited) co_return reboot_stopped(context.stop);
            const auto took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun);
            const auto now = co_await boot_id(context, last);
            if (context.stop.requested()) co_return reboot_stopped(context.stop);
            if (!now.empty() && now != before) co_return reboot_ended(NodeState::changed, fmt::format("back after {}", short_duration(took)));
            if (took >= most) co_return reboot_ended(NodeState::failed, fmt::format("not back after {}: {}", short_duration(most), last));
        }
    }

    /// Nothing where the node is not reached; `last` says why.
    awaitable<std::string> boot_id(const TaskContext& context, std::string& last) {
        auto timeout = context.timeout;
        timeout.command = one_look;
        std::function<void(Phase)> nobody;
        auto connected = co_await context.connector->connect(*context.node, timeout, context.stop, std::move(nobody));
        if (!connected.remote) {
            last = connected.unreached.message;
            co_return std::string();
        }
        ExecRequest request;
        request.command = "cat /proc/sys/kernel/random/boot_id";
        request.timeout = timeout;
        const auto outcome = co_await connected.remote->exec(std::move(request), context.stop);
        co_await connected.remote->close();
        if (outcome.state == NodeState::ok) {
            last = "it answers, and has not booted";
            co_return boot_id_in(outcome.out.text);
        }
        last = outcome.message;
        co_return std::string();
    }

    const LibraryTask& row_;
    TaskSpec spec_;
    Arguments arguments_;
};

Result<std::unique_ptr<Task>> make_reboot(const TaskInfo& info, const TaskSpec& spec) {
    static const auto row = reboot_task(); // its script, for as long as the process lives
    if (spec.pty || spec.end_with_link || (spec.input && !spec.input->empty()) || !spec.env.empty() || !spec.cwd.empty())
        return Error{Errc::config, fmt::format("{}: knows no env, cwd, stdin, pty and on_link_loss: they are for commands", info.name)};
    auto arguments = read_arguments(info, spec);
    if (!arguments) return arguments.error();
    if (arguments->size() != 1) return Error{Errc::config, fmt::format("{}: a node boots once", info.name)};
    if (auto good = check_become(spec.become); !good) return good.error();
    return std::unique_ptr<Task>(std::make_unique<RebootTask>(row, spec, std::move(arguments->front())));
}

} // namespace

LibraryTask reboot_task() {
    return {.info = {"loom.system.reboot", "Boots the node, and waits until it is back.",
                     {{"wait", Kind::flag, "Wait until it answers with another boot id; else the task ends when the node was told", "true"},
                      {"timeout", Kind::duration, "How long it may be away; then it is failed", "10m"},
                      {"interval", Kind::duration, "Between two looks whether it is back", "2s"},
                      {"command", Kind::text, "What boots it, a second after the task's own command has ended", "shutdown -r now"}},
                     "kwargs: {timeout: 15m}", true,
                     "Boots it each time. timeout.command bounds the command alone, timeout.run all of it."},
            .script = reboot_script, .helpers = reboot_helpers, .make = make_reboot};
}

} // namespace loom
