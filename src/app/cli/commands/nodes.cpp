#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/commands/trust.hpp"
#include "app/cli/output/terminal_filter.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

std::string labels_of(const std::map<std::string, std::string>& labels) {
    std::string text;
    for (const auto& [key, value] : labels) text += (text.empty() ? "" : " ") + key + "=" + value;
    return text;
}

/// How the nodes file says that the node is logged in to.
std::string login_of(const NodeView& node) {
    if (!node.identity.empty()) return node.identity;
    return node.password ? "password" : "";
}

Table table_of(const std::vector<NodeView>& nodes) {
    Table table({{"NODE", 0, 16}, {"ADDRESS", 1, 12}, {"PORT", 2, 5, true}, {"USER", 2, 6}, {"LOGIN", 4, 10},
                 {"GROUPS", 3, 8}, {"LABELS", 5, 8}});
    for (const auto& node : nodes)
        table.add({node.name, node.address, node.port ? std::to_string(*node.port) : "", node.user, login_of(node),
                   fmt::format("{}", fmt::join(node.groups, " ")), labels_of(node.labels)});
    return table;
}

Result<int> list(CommandContext& context, Service& service, const NodesQuery& query) {
    const auto found = context.wait(service.nodes(query));
    if (!found) return found.error();
    if (context.json) {
        print_json(context, *found);
    } else if (!found->items.empty()) {
        print(context, table_of(found->items));
    } else {
        const auto catalog = context.wait(service.catalog());
        if (!catalog) return catalog.error();
        say_nothing_configured(context, *catalog, "There is no node");
    }
    return 0;
}

void print_settings(CommandContext& context, const NodeSettingsView& view) {
    Table table({{"SETTING", 0, 14}, {"VALUE", 0, 20}, {"FROM", 0, 10}});
    table.add({"node", view.name, {}});
    for (const auto& row : view.settings) table.add({row.setting, row.value, row.place});
    if (!view.groups.empty()) table.add({"groups", fmt::format("{}", fmt::join(view.groups, " ")), {}});
    if (!view.labels.empty()) table.add({"labels", labels_of(view.labels), {}});
    print(context, table);
}

Result<int> show(CommandContext& context, Service& service, const std::string& node) {
    NodeName request;
    request.node = node;
    const auto found = context.wait(service.node_settings(request));
    if (!found) return found.error();
    if (context.json) print_json(context, *found);
    else print_settings(context, *found);
    return 0;
}

} // namespace

Action nodes_command(CLI::App& app) {
    const auto query = std::make_shared<NodesQuery>();
    const auto node = std::make_shared<std::string>();
    const auto trust = std::make_shared<TrustOptions>();
    app.add_option("--limit", query->targets, "Only these, as in web[001-20],@db")->type_name("NODESET");
    auto* shows = app.add_subcommand("show", "How one node is reached, and which line of which file says so");
    shows->add_option("NODE", *node, "The node's name")->required();
    auto* trusts = app.add_subcommand("trust", "Show a node's host key, and record it in Loom's known_hosts");
    trusts->add_option("NODE", trust->node, "The node's name")->required();
    trusts->add_flag("--yes", trust->yes, "Record the key without asking");
    trusts->add_flag("--replace", trust->replace, "Take another key that Loom recorded for the node away");
    return [query, node, trust, shows, trusts](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, trusts->parsed() ? Need::write : Need::read, [&](OpenService& open) {
            if (trusts->parsed()) return trust_node(context, *open.service, *trust);
            if (shows->parsed()) return show(context, *open.service, *node);
            return list(context, *open.service, *query);
        });
    };
}

} // namespace loom
