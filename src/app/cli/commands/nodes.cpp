#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

std::string labels_of(const NodeView& node) {
    std::string text;
    for (const auto& [key, value] : node.labels) text += (text.empty() ? "" : " ") + key + "=" + value;
    return text;
}

/// How the node is logged in to.
std::string login_of(const NodeView& node) {
    if (!node.identity.empty()) return node.identity;
    return node.password ? "password" : "default keys";
}

Table table_of(const std::vector<NodeView>& nodes) {
    Table table({{"NODE", 0, 16}, {"ADDRESS", 1, 12}, {"PORT", 2, 5, true}, {"USER", 2, 6}, {"LOGIN", 4, 10},
                 {"GROUPS", 3, 8}, {"LABELS", 5, 8}});
    for (const auto& node : nodes)
        table.add({node.name, node.address, std::to_string(node.port), node.user, login_of(node),
                   fmt::format("{}", fmt::join(node.groups, " ")), labels_of(node)});
    return table;
}

void print_node(CommandContext& context, const NodeView& node) {
    auto& out = context.streams.out;
    const auto line = [&](const char* title, const std::string& text) {
        if (!text.empty()) out << title << for_line(text) << '\n';
    };
    line("node:    ", node.name);
    line("address: ", fmt::format("{} port {}", node.address, node.port));
    line("user:    ", node.user);
    line("login:   ", login_of(node));
    line("groups:  ", fmt::format("{}", fmt::join(node.groups, " ")));
    line("labels:  ", labels_of(node));
    out << std::flush;
}

Result<int> nodes(CommandContext& context, Service& service, const NodesQuery& query, bool one) {
    const auto found = context.wait(service.nodes(query));
    if (!found) return found.error();
    if (one && found->items.empty()) return not_found("there is no node \"" + query.targets + "\"");
    if (context.json) {
        if (one) print_json(context, found->items.front());
        else print_json(context, *found);
    } else if (one) {
        print_node(context, found->items.front());
    } else {
        print(context, table_of(found->items));
    }
    return 0;
}

} // namespace

Action nodes_command(CLI::App& app) {
    const auto query = std::make_shared<NodesQuery>();
    app.add_option("--limit", query->targets, "Only these, as in web[001-20],@db");
    auto* show = app.add_subcommand("show", "One node in full");
    show->add_option("NODE", query->targets, "The node's name")->required();
    return [query, show](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::read, [&](OpenService& open) {
            return nodes(context, *open.service, *query, show->parsed());
        });
    };
}

} // namespace loom
