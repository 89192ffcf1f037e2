#include "core/task/library/library.hpp"

#include "core/base/template_text.hpp"
#include "core/task/builtin/shell_task.hpp"
#include "core/task/library/script.hpp"
#include "core/task/placeholders.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

Result<std::string> filled_in(std::string_view text, std::string_view path, const PlaceholderScope& scope) {
    auto whole = expand_placeholders(text, scope);
    if (!whole) return Error{Errc::config, fmt::format("{}: {}", path, whole.error().message)};
    // No shell could hold it.
    if (whole->find('\0') != std::string::npos) return Error{Errc::config, fmt::format("{}: it holds a NUL byte; loom.files.put brings files of any kind", path)};
    return whole;
}

/// A row's script, run by the node's /bin/sh, which reads it from its standard input: so it needs no room in a command line, and the
/// login shell never sees it.
class ScriptTask final : public Task {
public:
    ScriptTask(const LibraryTask& row, TaskSpec spec, std::vector<Arguments> arguments, std::string environment)
        : row_(row), spec_(std::move(spec)), arguments_(std::move(arguments)), environment_(std::move(environment)) {}

    bool can_check() const override { return row_.info.checks; }

    std::optional<std::string> passes_over(const Node& node) const override {
        const bool all = std::ranges::all_of(arguments_, [&](const auto& each) { return excludes(each, node); });
        if (!all) return std::nullopt;
        return "excludes: " + node.name;
    }

    awaitable<Outcome> run(TaskContext context) override {
        std::vector<ScriptUse> uses;
        for (const auto& arguments : arguments_) {
            if (excludes(arguments, *context.node)) continue;
            ScriptUse use;
            use.arguments = arguments;
            if (!row_.content.empty() && arguments.has(row_.content)) {
                auto path = arguments.text(row_.content);
                auto text = co_await context.read_file(std::move(path));
                if (text) text = filled_in(*text, arguments.text(row_.content), *context.scope);
                if (!text) {
                    Outcome outcome;
                    outcome.message = text.error().message;
                    co_return outcome;
                }
                use.content = std::move(*text);
            }
            uses.push_back(std::move(use));
        }
        ScriptSetting setting;
        setting.check = spec_.check;
        setting.environment = environment_;
        ExecRequest request;
        request.command = "exec /bin/sh -s";
        request.input = script_of(row_, uses, setting);
        request.timeout = context.timeout;
        if (spec_.become) request.become = joined(std::move(*spec_.become), context.node->become);
        auto outcome = co_await context.remote->exec(std::move(request), context.stop);
        co_return outcome_of_script(std::move(outcome));
    }

private:
    static bool excludes(const Arguments& arguments, const Node& node) {
        const auto names = arguments.texts("excludes");
        return std::ranges::find(names, node.name) != names.end();
    }

    const LibraryTask& row_; ///< of the library, which lives as long as the process
    TaskSpec spec_;
    std::vector<Arguments> arguments_;
    std::string environment_;
};

Error wrong_row(const LibraryTask& row, std::string_view what) { return {Errc::config, fmt::format("{}: {}", row.info.name, what)}; }

std::vector<LibraryTask> all_tasks() {
    std::vector<LibraryTask> all;
    for (const auto group : {fabric_tasks, file_tasks, system_tasks, account_tasks, mount_tasks, package_tasks, web_tasks, checkout_tasks, wait_tasks}) {
        auto rows = group();
        std::ranges::move(rows, std::back_inserter(all));
    }
    std::ranges::sort(all, {}, [](const auto& row) { return row.info.name; });
    return all;
}

} // namespace

std::span<const LibraryTask> task_library() {
    static const auto all = all_tasks();
    return all;
}

Result<std::unique_ptr<Task>> make_library_task(const LibraryTask& row, const TaskSpec& spec) {
    if (row.make) return row.make(row.info, spec);
    // The script comes by standard input, and says by its exit status what it did.
    if (spec.pty || spec.end_with_link || (spec.input && !spec.input->empty()))
        return wrong_row(row, "knows no stdin, pty and on_link_loss: they are for commands");
    auto arguments = read_arguments(row.info, spec);
    if (!arguments) return arguments.error();
    for (const auto& each : *arguments)
        if (auto good = row.rule ? row.rule(each) : Result<void>(); !good) return wrong_row(row, good.error().message);
    if (auto good = check_become(spec.become); !good) return good.error();
    auto environment = environment_text(spec);
    if (!environment) return environment.error();
    return std::unique_ptr<Task>(std::make_unique<ScriptTask>(row, spec, std::move(*arguments), std::move(*environment)));
}

Result<void> url_rule(const Arguments& arguments) {
    const auto& url = arguments.text("url");
    if (url.starts_with("http://") || url.starts_with("https://") || has_placeholder(url)) return {};
    return Error{Errc::config, "url: expected http://… or https://…"};
}

} // namespace loom
