#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/times.hpp"

#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

std::string limits_of(const TokenView& token) {
    std::string text;
    if (!token.jobs.empty()) text = fmt::format("jobs {}", fmt::join(token.jobs, ", "));
    if (!token.nodes.empty()) text += fmt::format("{}nodes {}", text.empty() ? "" : "; ", token.nodes);
    return text.empty() ? "everything" : text;
}

Colour state_colour_of(const TokenView& token) { return token.state == "live" ? Colour::green : Colour::yellow; }

Result<int> list_tokens(CommandContext& context, Service& service) {
    const auto tokens = context.wait(service.tokens());
    if (!tokens) return tokens.error();
    if (context.json) {
        print_json(context, *tokens);
        return 0;
    }
    const auto now = context.clock.now();
    Table table({{"TOKEN", 0, 12}, {"SCOPE", 0, 7}, {"STATE", 1, 7}, {"EXPIRES", 2, 8}, {"USED", 2, 8}, {"FOR", 3, 10}, {"MADE BY", 4, 8}});
    for (const auto& token : tokens->items)
        table.add({token.name, token.scope, {token.state, state_colour_of(token)},
                   token.expires ? relative_time(token.expires, now) : "never", token.used ? relative_time(token.used, now) : "never",
                   limits_of(token), token.by});
    print(context, table);
    return 0;
}

Result<int> create_token(CommandContext& context, Service& service, const CreateToken& request) {
    const auto made = context.wait(service.create_token(Caller(context.caller), request));
    if (!made) return made.error();
    if (context.json) {
        print_json(context, *made);
        return 0;
    }
    context.streams.out << made->token << '\n' << std::flush;
    say(context, fmt::format("This is token {}, for {} ({}), {}. It is shown this once.", for_line(made->about.name), made->about.scope,
                             for_line(limits_of(made->about)), made->about.expires ? "until " + *made->about.expires : "without an end"));
    return 0;
}

Result<int> revoke_token(CommandContext& context, Service& service, const TokenName& request) {
    const auto revoked = context.wait(service.revoke_token(Caller(context.caller), request));
    if (!revoked) return revoked.error();
    if (context.json) print_json(context, *revoked);
    else say(context, for_line(revoked->name) + " is revoked: it opens nothing any more");
    return 0;
}

} // namespace

Action token_command(CLI::App& app) {
    const auto request = std::make_shared<CreateToken>();
    const auto name = std::make_shared<TokenName>();
    app.add_subcommand("list", "The tokens, live and dead");
    auto* create = app.add_subcommand("create", "Make a token, and print it once");
    create->add_option("NAME", request->name, "What it is called in logs and as the `by` of runs")->required();
    create->add_option("--scope", request->scope, "read (default), operate: also start, cancel and pause, or admin")->type_name("read|operate|admin");
    create->add_option("--jobs", request->jobs, "Only jobs of these names, and no commands; * and ? stand for any text")->type_name("PATTERN");
    create->add_option("--nodes", request->nodes, "Only these nodes")->type_name("NODESET");
    create->add_option("--expires", request->expires, "After a duration as 90d, or at 2027-01-31T08:00:00Z; else never")->type_name("TIME");
    auto* revoke = app.add_subcommand("revoke", "End a token");
    revoke->add_option("TOKEN", name->name)->required();
    return [request, name, create, revoke](CommandContext& context, const std::vector<std::string>&) {
        const auto need = create->parsed() || revoke->parsed() ? Need::write : Need::read;
        return with_service(context, need, [&](OpenService& open) {
            if (create->parsed()) return create_token(context, *open.service, *request);
            if (revoke->parsed()) return revoke_token(context, *open.service, *name);
            return list_tokens(context, *open.service);
        });
    };
}

} // namespace loom
