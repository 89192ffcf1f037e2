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

/// What serves the job's task is a part of it: another interpreter, or another file of the plugin's code.
bool same_plugin(const Job& a, const Plugins& before, const Job& b, const Plugins& after) {
    const auto one = find_plugin(before, a.task->plugin, a.task->name), other = find_plugin(after, b.task->plugin, b.task->name);
    if (!one || !other || !*one || !*other) return true; // it is built in
    return **one == **other;
}

template <class Item, class Same>
CatalogDiff::Names diff(const std::vector<Item>& before, const std::vector<Item>& after, Same same) {
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
    const auto &old = before.settings.plugins, &fresh = after.settings.plugins;
    const bool same_plugins = old == fresh;
    const auto same_job = [&](const Job& a, const Job& b) { return same(a, b) && (same_plugins || same_plugin(a, old, b, fresh)); };
    const auto same_node = [](const Node& a, const Node& b) { return same(a, b); };
    found.jobs = diff(before.jobs, after.jobs, same_job);
    found.nodes = diff(before.nodes, after.nodes, same_node);
    return found;
}

} // namespace loom
