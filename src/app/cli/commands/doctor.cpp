#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"

#include <algorithm>

namespace loom {
namespace {

boost::json::value json_of(const std::vector<Checkup>& checkups) {
    boost::json::array items;
    for (const auto& checkup : checkups)
        items.push_back({{"name", checkup.name}, {"ok", checkup.ok}, {"text", checkup.text}});
    return boost::json::object{{"items", std::move(items)}};
}

Table table_of(const std::vector<Checkup>& checkups) {
    Table table({{"CHECK", 1, 12}, {"", 0, 4}, {"FOUND", 2, 20, false, true}});
    for (const auto& checkup : checkups)
        table.add({checkup.name, {checkup.ok ? "ok" : "FAIL", checkup.ok ? Colour::green : Colour::red}, checkup.text});
    return table;
}

} // namespace

Action doctor_command(CLI::App&) {
    return [](CommandContext& context, const std::vector<std::string>&) {
        const auto checkups = context.doctor(context.config);
        if (context.json) print_json_line(context, json_of(checkups));
        else print(context, table_of(checkups));
        const bool fit = std::all_of(checkups.begin(), checkups.end(), [](const auto& checkup) { return checkup.ok; });
        return fit ? 0 : static_cast<int>(Errc::failed);
    };
}

} // namespace loom
