#include "app/cli/task_report.hpp"

#include "app/cli/output/table.hpp"
#include "app/cli/output/text_width.hpp"

#include <boost/json.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

std::string type_of(const Parameter& parameter) {
    if (parameter.kind != ParameterKind::choice) return std::string(word_of(parameter.kind));
    return fmt::format("{}", fmt::join(parameter.choices, ", "));
}

std::string default_of(const Parameter& parameter) { return parameter.required ? "required" : std::string(parameter.value); }

/// A job that does it: the example names what stands beside `task` and `targets`.
std::string job_of(const TaskInfo& task) {
    return fmt::format("task: {}\n{}\ntargets: \"@web\"", task.name, task.example);
}

constexpr std::string_view page_head = R"(# Tasks

What a job's `task` may be. `loom tasks` lists them, `loom tasks show NAME` shows one; this page is made from the same table
(`loom tasks --markdown`), and so is what is checked when a manifest is loaded: an unknown name or argument is told with the near one,
and so are a missing argument and one of the wrong type.

```yaml
jobs:
  web-server:
    task: loom.debian.install
    args: [[nginx, curl]]            # by place
    kwargs: {update: true}           # by name
    targets: "@web"
    become: true
```
```
loom run web-server --check          # what would be changed, node by node
loom run web-server
loom exec @web --task loom.debian.install --arg packages=[nginx,curl] --arg update=true --become
```

- A node ends **`changed`** when something was changed, **`ok`** when all was as it is to be, **`failed`** with the reason. Each thing that was
  changed has a line in its output.
- **`--check`** changes nothing: the lines begin with `would`, and the node ends `changed` or `ok` as it would. A task that cannot tell ends `skipped`. A
  check of a job is a run whose reason is `check`, and none of the job's: nothing follows it, waits for it or is told of it. `loom retry` of it is one too.
  What changes between the look and the work, or depends on work that was not done, a check does not know.
- The tasks need `/bin/sh` and the usual small programs on the node, and no Python anywhere. `become`, `env` and `cwd` count as they do for commands, but
  for tasks that move files by SFTP. `stdin`, `pty` and `on_link_loss` are for commands.
- All of `args` may be maps: then the task is done for each of them.
- **`--arg NAME=VALUE`** gives a text. One that begins with `[` or `{` and is YAML as a whole is a list or a map, unless the parameter's type is text:
  `line=[mysqld]` is a line.
- Types: a **name** is one word that does not begin with `-`; **names**, **paths** and **local paths** are a list, or a single one; a **path** is the node's,
  from `/`, `~/` or the folder of the login (or `cwd`); a **local path** is one of Loom's own host, from `/` or `~/`, read by who runs Loom; a **mode** is octal,
  `0644`; a **duration** is `90s`, `5m` or `off`; a **flag** is `true` or `false`. Any of them may hold [placeholders](configuration.md#placeholders).

)";

void add_cell(std::string& text, std::string_view words) {
    text += ' ';
    for (const char c : words) text += c == '|' ? std::string("\\|") : std::string(1, c);
    text += " |";
}

} // namespace

boost::json::object task_json(const TaskInfo& task) {
    boost::json::array parameters;
    for (const auto& parameter : task.parameters) {
        boost::json::object one;
        one["name"] = parameter.name;
        one["type"] = word_of(parameter.kind);
        one["required"] = parameter.required;
        one["default"] = parameter.value.empty() ? boost::json::value() : boost::json::value(parameter.value);
        one["choices"] = boost::json::array(parameter.choices.begin(), parameter.choices.end());
        one["about"] = parameter.about;
        parameters.push_back(std::move(one));
    }
    boost::json::object json;
    json["name"] = task.name;
    json["summary"] = task.summary;
    json["notes"] = task.notes;
    json["check"] = task.checks;
    json["parameters"] = std::move(parameters);
    json["example"] = task.example;
    return json;
}

std::string task_text(const TaskInfo& task, std::size_t width, Paint paint) {
    auto text = paint(Colour::bold, task.name) + "\n" + wrapped(task.summary, width) + "\n";
    if (!task.notes.empty()) text += wrapped(task.notes, width) + "\n";
    text += task.checks ? "" : "It cannot tell what it would do: with --check it is skipped.\n";
    if (!task.parameters.empty()) {
        Table table({{"PARAMETER", 0, 10}, {"TYPE", 1, 8}, {"DEFAULT", 2, 8}, {"WHAT", 3, 24, false, true}});
        for (const auto& parameter : task.parameters)
            table.add({std::string(parameter.name), type_of(parameter), default_of(parameter), std::string(parameter.about)});
        text += "\n" + table.render(width, paint);
    }
    return text + "\n" + job_of(task) + "\n";
}

std::string tasks_markdown(std::span<const LibraryTask> tasks) {
    std::string text(page_head);
    std::string_view group;
    for (const auto& row : tasks) {
        const auto& task = row.info;
        const auto of = task.name.substr(0, task.name.rfind('.'));
        if (of != group) text += fmt::format("## {}\n\n", of);
        group = of;
        text += fmt::format("### {}\n\n{}{}{}\n\n", task.name, task.summary, task.notes.empty() ? "" : " ", task.notes);
        if (!task.checks) text += "With `--check` it is skipped.\n\n";
        if (!task.parameters.empty()) text += "| Parameter | Type | Default | What |\n|---|---|---|---|\n";
        for (const auto& parameter : task.parameters) {
            text += fmt::format("| `{}` |", parameter.name);
            add_cell(text, type_of(parameter));
            add_cell(text, parameter.required ? "*required*" : parameter.value.empty() ? "" : fmt::format("`{}`", parameter.value));
            add_cell(text, parameter.about);
            text += '\n';
        }
        text += fmt::format("{}```yaml\n{}\n```\n\n", task.parameters.empty() ? "" : "\n", job_of(task));
    }
    text.pop_back();
    return text;
}

} // namespace loom
