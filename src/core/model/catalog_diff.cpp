#include "core/model/catalog_diff.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace loom {
namespace {

bool same_calendars(const std::vector<CalendarPtr>& a, const std::vector<CalendarPtr>& b) {
    return std::ranges::equal(a, b, [](const auto& one, const auto& other) { return *one == *other; });
}

/// Zones and calendars are made anew by each reading.
bool same(const Shared<Schedule>& a, const Shared<Schedule>& b) {
    if (!a || !b) return !a && !b;
    auto alike = *b;
    alike.zone = a->zone;
    alike.only = a->only;
    return a->zone->name() == b->zone->name() && same_calendars(a->only, b->only) && *a == alike;
}

bool same(const Policy& a, const Policy& b) {
    if (a.blackout.hold != b.blackout.hold || !same_calendars(a.blackout.calendars, b.blackout.calendars)) return false;
    auto alike = b;
    alike.blackout.calendars = a.blackout.calendars;
    return a == alike;
}

bool same(const TaskSpec& a, const TaskSpec& b) {
    const auto text = [](const TaskSpec& task) { return task.input ? std::string_view(*task.input) : std::string_view(); };
    if (text(a) != text(b)) return false;
    auto alike = b;
    alike.input = a.input;
    return a == alike;
}

bool same(const Job& a, const Job& b) {
    return a.description == b.description && same(*a.task, *b.task) && same(a.schedule, b.schedule) && a.targets->text == b.targets->text &&
           a.targets->nodes == b.targets->nodes && same(*a.policy, *b.policy);
}

bool same(const Node& a, const Node& b) {
    const auto fields = [](const Node& node) {
        return std::tie(node.address, node.port, node.user, node.password, node.passphrase, node.identity, node.jump, node.become, node.groups,
                        node.labels, node.vars);
    };
    return fields(a) == fields(b);
}

template <class Item>
CatalogDiff::Names diff(const std::vector<Item>& before, const std::vector<Item>& after) {
    CatalogDiff::Names names;
    std::unordered_map<std::string_view, const Item*> old;
    for (const auto& item : before) old.emplace(item.name, &item);
    for (const auto& item : after) {
        const auto found = old.find(item.name);
        if (found == old.end()) names.added.push_back(item.name);
        else if (!same(*found->second, item)) names.changed.push_back(item.name);
        if (found != old.end()) old.erase(found);
    }
    for (const auto& item : before)
        if (old.contains(item.name)) names.removed.push_back(item.name);
    return names;
}

} // namespace

CatalogDiff diff_catalogs(const Catalog& before, const Catalog& after) {
    CatalogDiff found;
    found.jobs = diff(before.jobs, after.jobs);
    found.nodes = diff(before.nodes, after.nodes);
    return found;
}

} // namespace loom
