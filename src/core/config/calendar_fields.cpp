#include "core/config/calendar_fields.hpp"

#include "core/base/limits.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

struct CalendarDraft {
    std::vector<CalendarRule> rules;
    ZonePtr zone = local_zone();
};

template <auto& parse>
void read_rules(const YamlNode& node, CalendarDraft& draft, Faults& faults) {
    std::vector<std::string> texts;
    if (!read_texts(node, texts, faults)) return;
    if (draft.rules.size() + texts.size() > limits::calendar_rules)
        return faults.push_back({node.mark, fmt::format("a calendar holds {} rules at most", limits::calendar_rules)});
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto rule = parse(texts[i]);
        const auto& mark = node.kind == YamlNode::Kind::sequence ? node.items[i]->mark : node.mark;
        if (rule) draft.rules.push_back(*rule);
        else faults.push_back({mark, rule.error().message});
    }
}

constexpr Field<CalendarDraft> calendar_fields[] = {
    {"dates", read_rules<parse_calendar_dates>},
    {"weekly", read_rules<parse_calendar_week>},
    {"tz",
     [](const YamlNode& node, CalendarDraft& draft, Faults& faults) {
         std::string name;
         if (!read_text(node, name, faults)) return;
         const auto zone = find_zone(name);
         if (zone) draft.zone = *zone;
         else faults.push_back({node.mark, zone.error().message});
     }},
};

} // namespace

void read_calendars(const YamlNode& node, std::map<std::string, CalendarPtr>& calendars, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        const std::string name(key->text);
        if (!plain_name(name)) {
            faults.push_back({key->mark, fmt::format("\"{}\" cannot name a calendar: use letters, digits, '.', '_' and '-'", name)});
            continue;
        }
        CalendarDraft draft;
        const auto before = faults.size();
        read_map<CalendarDraft>(*value, calendar_fields, draft, faults);
        if (faults.size() == before && draft.rules.empty())
            faults.push_back({key->mark, "it holds no time: expected dates, weekly, or both"});
        name_faults(faults, before, name);
        calendars[name] = std::make_shared<const Calendar>(name, std::move(draft.zone), std::move(draft.rules));
    }
}

} // namespace loom
