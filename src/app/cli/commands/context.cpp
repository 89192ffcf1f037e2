#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/contexts.hpp"
#include "core/run/json.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <unistd.h>

namespace loom {

/// As `-o json` has it.
struct ContextView {
    std::string name, server;
    bool current = false;
    std::string token, trust;
};
BOOST_DESCRIBE_STRUCT(ContextView, (), (name, server, current, token, trust))

struct ContextList {
    std::vector<ContextView> items;
};
BOOST_DESCRIBE_STRUCT(ContextList, (), (items))

namespace {

struct ContextOptions {
    std::string name;
    RemoteContext context;
};

ContextView view_of(const Contexts& contexts, const std::string& name, const RemoteContext& context) {
    ContextView view;
    view.name = name;
    view.server = context.server;
    view.current = name == contexts.current;
    if (!context.token_file.empty()) view.token = context.token_file;
    else if (!context.token_command.empty()) view.token = fmt::format("{}", fmt::join(context.token_command, " "));
    const auto server = parse_server(context.server);
    if (!server || server->kind != ServerAddress::Kind::https) view.trust = "this machine";
    else view.trust = !context.fingerprint.empty() ? context.fingerprint : context.ca_file;
    return view;
}

int list_contexts(CommandContext& context, const Contexts& contexts) {
    ContextList list;
    for (const auto& [name, one] : contexts.all) list.items.push_back(view_of(contexts, name, one));
    if (context.json) {
        print_json(context, list);
        return 0;
    }
    Table table({{"CONTEXT", 0, 8}, {"SERVER", 0, 16}, {"TOKEN", 2, 8}, {"TRUSTED", 3, 8}});
    for (const auto& one : list.items)
        table.add({(one.current ? "* " : "  ") + one.name, one.server, one.token.empty() ? "LOOM_TOKEN" : one.token,
                   one.trust.empty() ? "the system's roots" : one.trust});
    print(context, table);
    if (contexts.all.empty()) say(context, "There are none: the daemon of this machine is asked. `loom context add NAME --server URL` makes one.");
    return 0;
}

/// What changes the file: `change` does it, and says so.
template <class Change>
int change_contexts(CommandContext& context, Change change) {
    auto contexts = read_contexts(context.contexts_file, context.home);
    if (!contexts) return fail(context, contexts.error());
    const Result<std::string> done = change(*contexts);
    if (!done) return fail(context, done.error());
    if (auto written = write_contexts(context.contexts_file, *contexts); !written) return fail(context, written.error());
    say(context, *done);
    return 0;
}

Error no_context(const Contexts& contexts, const std::string& name) {
    std::vector<std::string> names{"local"};
    for (const auto& [known, one] : contexts.all) names.push_back(known);
    return not_found(fmt::format("there is no context \"{}\"{}", name, did_you_mean(name, names)));
}

Result<std::string> add_context(Contexts& contexts, ContextOptions options) {
    auto& context = options.context;
    if (options.name == "local") return usage_error("NAME: local stands for the daemon of this machine");
    if (const auto server = parse_server(context.server); !server) return usage_error("--server: " + server.error().message);
    if (!context.fingerprint.empty() && !parse_pin(context.fingerprint)) return usage_error("--fingerprint: expected sha256: and 64 hexadecimal digits");
    if (context.certificate.empty() != context.key.empty()) return usage_error("--certificate and --key go together");
    if (!context.token_file.empty() && !context.token_command.empty()) return usage_error("--token-file or --token-command, not both");
    // What is relative here would be so to another folder in the file.
    for (auto* path : {&context.token_file, &context.ca_file, &context.certificate, &context.key})
        if (!path->empty() && !path->starts_with('~')) *path = std::filesystem::absolute(*path).string();
    // A typing error shows itself here, and not with the first request.
    for (const auto& [flag, path] : {std::pair{"--token-file", context.token_file}, {"--ca-file", context.ca_file}, {"--certificate", context.certificate}, {"--key", context.key}})
        if (!path.empty() && !path.starts_with('~') && ::access(path.c_str(), R_OK) != 0)
            return usage_error(fmt::format("{}: {}: {}", flag, path, std::strerror(errno)));
    const bool first = contexts.all.empty();
    contexts.all[options.name] = context;
    if (first) contexts.current = options.name;
    return fmt::format("{} is {}{}", for_line(options.name), for_line(context.server), contexts.current == options.name ? ", and in use" : "");
}

} // namespace

Action context_command(CLI::App& app) {
    const auto options = std::make_shared<ContextOptions>();
    auto& context = options->context;
    auto* list = app.add_subcommand("list", "The contexts; * marks the one in use");
    auto* add = app.add_subcommand("add", "Name a daemon, or change what is known of it");
    add->add_option("NAME", options->name, "What it is called here")->required();
    add->add_option("--server", context.server, "https://HOST:PORT, http://127.0.0.1:PORT or unix:PATH")->required()->type_name("URL");
    add->add_option("--token-file", context.token_file, "The file that holds the token")->type_name("FILE");
    add->add_option("--token-command", context.token_command, "A program, and its arguments, that prints the token")->type_name("WORD");
    add->add_option("--ca-file", context.ca_file, "Whose certificates are trusted, in place of the system's roots")->type_name("FILE");
    add->add_option("--fingerprint", context.fingerprint, "The server's certificate itself: sha256:…")->type_name("SHA256");
    add->add_option("--certificate", context.certificate, "The certificate to show, where the daemon asks for one")->type_name("FILE");
    add->add_option("--key", context.key, "Its key")->type_name("FILE");
    auto* use = app.add_subcommand("use", "The context for commands that name none; `local`: this machine's daemon");
    use->add_option("CONTEXT", options->name)->required();
    auto* remove = app.add_subcommand("remove", "Forget a context");
    remove->add_option("CONTEXT", options->name)->required();
    return [options, list, add, use, remove](CommandContext& shell, const std::vector<std::string>&) {
        (void)list;
        if (add->parsed()) return change_contexts(shell, [&](Contexts& all) { return add_context(all, *options); });
        if (use->parsed())
            return change_contexts(shell, [&](Contexts& all) -> Result<std::string> {
                if (options->name != "local" && !all.all.contains(options->name)) return no_context(all, options->name);
                all.current = options->name == "local" ? "" : options->name;
                return options->name == "local" ? "The daemon of this machine is in use" : for_line(options->name) + " is in use";
            });
        if (remove->parsed())
            return change_contexts(shell, [&](Contexts& all) -> Result<std::string> {
                if (all.all.erase(options->name) == 0) return no_context(all, options->name);
                if (all.current == options->name) all.current.clear();
                return for_line(options->name) + " is forgotten";
            });
        const auto contexts = read_contexts(shell.contexts_file, shell.home);
        return contexts ? list_contexts(shell, *contexts) : fail(shell, contexts.error());
    };
}

} // namespace loom
