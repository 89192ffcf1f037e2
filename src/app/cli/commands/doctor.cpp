#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"

#include <algorithm>
#include <sstream>

namespace loom {
namespace {

boost::json::value json_of(const std::vector<Checkup>& checkups) {
    boost::json::array items;
    for (const auto& checkup : checkups)
        items.push_back({{"name", checkup.name}, {"ok", checkup.ok}, {"text", checkup.text}});
    return boost::json::object{{"items", std::move(items)}};
}

/// What was found goes on below itself where a line is too short for it.
Table table_of(const std::vector<Checkup>& checkups, std::size_t width) {
    std::size_t names = std::string_view("CHECK").size(), verdicts = 2;
    for (const auto& checkup : checkups) {
        names = std::max(names, checkup.name.size());
        if (!checkup.ok) verdicts = 4;
    }
    const auto before = names + 2 + verdicts + 2;
    Table table({{"CHECK", 1, 5}, {"", 0, 4}, {"FOUND", 2, 20}});
    for (const auto& checkup : checkups) {
        std::istringstream lines(width >= before + 20 ? wrapped(for_line(checkup.text), width - before) : checkup.text);
        std::string line;
        std::getline(lines, line);
        table.add({checkup.name, {checkup.ok ? "ok" : "FAIL", checkup.ok ? Colour::green : Colour::red}, line});
        while (std::getline(lines, line)) table.add({"", "", line});
    }
    return table;
}

} // namespace

Action doctor_command(CLI::App&) {
    return [](CommandContext& context, const std::vector<std::string>&) {
        const auto checkups = context.doctor(context.config);
        if (context.json) print_json_line(context, json_of(checkups));
        else print(context, table_of(checkups, out_width(context)));
        const bool fit = std::all_of(checkups.begin(), checkups.end(), [](const auto& checkup) { return checkup.ok; });
        return fit ? 0 : static_cast<int>(Errc::failed);
    };
}

} // namespace loom
