#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"

#include <istream>
#include <ostream>

namespace loom {
namespace {

struct NodesetOptions {
    std::vector<std::string> expressions;
    std::string separator = " ";
};

using Names = std::vector<std::string>;

/// The union of the expressions, or of the words on stdin. Groups and labels need the configuration.
Result<Names> read_names(CommandContext& context, const NodesetOptions& options) {
    auto expressions = options.expressions;
    if (expressions.empty())
        for (std::string word; context.streams.in >> word;) expressions.push_back(word);
    std::string whole;
    for (const auto& expression : expressions) whole += (whole.empty() ? "(" : ",(") + expression + ")";
    if (whole.empty()) return Names{};
    std::function<Result<Names>(std::string_view)> expand = [](std::string_view text) { return expand_nodeset(text); };
    if (whole.find('@') != std::string::npos) {
        const auto catalog = context.load_catalog(context.config);
        if (!catalog) return catalog.error();
        expand = [catalog = *catalog](std::string_view text) { return catalog->expand(text); };
    }
    auto names = expand(whole);
    if (names) return names;
    // A mistake is told in the expression as it was written.
    for (const auto& expression : expressions)
        if (auto alone = expand(expression); !alone) return alone.error();
    return names;
}

std::string joined(const std::vector<std::string>& names, const std::string& separator) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : separator) + name;
    return text;
}

enum class Verb { expand, fold, count };

int nodeset(CommandContext& context, const NodesetOptions& options, Verb verb) {
    const auto names = read_names(context, options);
    if (!names) return fail(context, names.error());
    if (context.json) {
        boost::json::object result;
        if (verb == Verb::expand) result["items"] = boost::json::value_from(*names);
        else if (verb == Verb::fold) result["nodes"] = fold_nodeset(*names);
        else result["count"] = names->size();
        print_json_line(context, result);
        return 0;
    }
    auto& out = context.streams.out;
    if (verb == Verb::count) out << names->size() << '\n';
    else if (verb == Verb::fold) out << for_terminal(fold_nodeset(*names), false) << '\n';
    else if (!names->empty()) out << for_terminal(joined(*names, options.separator), false) << '\n';
    out << std::flush;
    return 0;
}

} // namespace

Action nodeset_command(CLI::App& app) {
    const auto options = std::make_shared<NodesetOptions>();
    const auto verb = std::make_shared<Verb>();
    const auto add = [&](const char* name, const char* summary, Verb chosen) {
        auto* below = app.add_subcommand(name, summary);
        below->add_option("NODESET", options->expressions, "As in web[001-20],db1!web7; none: words from stdin");
        below->callback([verb, chosen] { *verb = chosen; });
        return below;
    };
    auto* expand = add("expand", "Every name", Verb::expand);
    expand->add_option("-S,--separator", options->separator, "What stands between the names")->type_name("TEXT");
    add("fold", "The shortest spelling", Verb::fold);
    add("count", "How many names", Verb::count);
    app.require_subcommand(1);
    return [options, verb](CommandContext& context, const std::vector<std::string>&) {
        return nodeset(context, *options, *verb);
    };
}

} // namespace loom
