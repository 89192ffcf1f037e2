#include "app/cli/help.hpp"

#include "app/cli/command_table.hpp"
#include "app/cli/output/text_width.hpp"

#include <algorithm>
#include <sstream>

namespace loom {
namespace {

/// Where the library's descriptions begin, and how narrow a column of them may be.
constexpr std::size_t description_begin = 30, description_least = 20;

/// Where the line's words go on in the next one: below the description, else below its first word.
std::size_t hanging(const std::string& line) {
    const bool described = line.size() > description_begin && line[description_begin - 1] == ' ' && line[0] == ' ';
    return described ? description_begin : std::min(line.find_first_not_of(' '), line.size());
}

std::string within(const std::string& line, std::size_t width) {
    const auto begin = hanging(line);
    if (display_width(line) <= width || width < begin + description_least) return line;
    std::istringstream parts(wrapped(std::string_view(line).substr(begin), width - begin));
    std::string text = line.substr(0, begin);
    bool first = true;
    for (std::string part; std::getline(parts, part); first = false) text += (first ? "" : "\n" + std::string(begin, ' ')) + part;
    return text;
}

/// What stands in the program's own help, and may stand behind each command as well.
std::string options_of_all(const CLI::App& root, bool local) {
    std::string names;
    for (const auto* option : root.get_options())
        if (!option->check_lname("help") && !option->check_lname("version") && !(local && names_a_server(*option)))
            names += (names.empty() ? "" : ", ") + option->get_name(false, true);
    return names;
}

} // namespace

CLI::App& innermost(CLI::App& app) {
    const auto below = app.get_subcommands();
    return below.empty() ? app : innermost(*below.front());
}

std::string path_of(const CLI::App& app) {
    return app.get_parent() ? path_of(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

bool takes_words(const std::string& path) {
    return std::ranges::any_of(command_table(), [&](const auto& row) { return row.takes_words && path == std::string("loom ") + row.name; });
}

bool names_a_server(const CLI::Option& option) { return option.check_lname("server") || option.check_lname("context"); }

bool is_local(const CLI::App& app) {
    const auto path = path_of(app) + " ";
    return std::ranges::any_of(command_table(), [&](const auto& row) { return row.local && path.starts_with(std::string("loom ") + row.name + " "); });
}

std::string help_of(CLI::App& app, std::size_t width) {
    auto text = app.help();
    const auto& command = innermost(app);
    // CLI11 knows nothing of what follows `--`.
    if (takes_words(path_of(command)))
        if (const auto usage = text.find("Usage: "); usage != text.npos) text.insert(text.find('\n', usage), " -- COMMAND");
    if (&command != &app) {
        while (text.ends_with("\n\n")) text.pop_back();
        text += "\nFor every command: " + options_of_all(app, is_local(command)) + "\n";
    }
    if (width == 0) return text;
    std::istringstream lines(text);
    std::string fitted;
    for (std::string line; std::getline(lines, line);) fitted += within(line, width) + '\n';
    return fitted;
}

} // namespace loom
