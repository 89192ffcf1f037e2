#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/task_report.hpp"
#include "core/base/near.hpp"

#include <algorithm>
#include <ostream>

namespace loom {
namespace {

int list_tasks(CommandContext& context) {
    if (context.json) {
        boost::json::array items;
        for (const auto& row : task_library()) items.push_back(task_json(row.info));
        boost::json::object whole;
        whole["items"] = std::move(items);
        print_json_line(context, whole);
        return 0;
    }
    Table table({{"TASK", 0, 20}, {"WHAT", 1, 20, false, true}});
    for (const auto& row : task_library()) table.add({std::string(row.info.name), std::string(row.info.summary)});
    print(context, table);
    return 0;
}

int show_task(CommandContext& context, const std::string& name) {
    const auto tasks = task_library();
    const auto found = std::ranges::find(tasks, name, [](const auto& row) { return row.info.name; });
    if (found == tasks.end()) {
        std::vector<std::string> known;
        for (const auto& row : tasks) known.emplace_back(row.info.name);
        return fail(context, not_found("there is no task \"" + name + "\"" + did_you_mean(name, known)));
    }
    if (context.json) print_json_line(context, task_json(found->info));
    else context.streams.out << task_text(found->info, out_width(context), out_paint(context)) << std::flush;
    return 0;
}

} // namespace

Action tasks_command(CLI::App& app) {
    const auto name = std::make_shared<std::string>();
    const auto markdown = std::make_shared<bool>(false);
    app.add_flag("--markdown", *markdown, "Print docs/tasks.md")->group(""); // for who builds Loom
    auto* show = app.add_subcommand("show", "One task with its parameters");
    show->add_option("TASK", *name, "The task's name")->required();
    return [name, markdown, show](CommandContext& context, const std::vector<std::string>&) {
        if (show->parsed()) return show_task(context, *name);
        if (!*markdown) return list_tasks(context);
        context.streams.out << tasks_markdown(task_library()) << std::flush;
        return 0;
    };
}

} // namespace loom
