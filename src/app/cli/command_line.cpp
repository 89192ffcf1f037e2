#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/help.hpp"

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

using Words = std::vector<std::string>;

struct Globals {
    std::string output = "table";
    bool no_color = false;
    bool version = false;
};

/// The parsed command line: the app owns the options that the action's closure reads.
struct CommandLine {
    CLI::App app{"Runs jobs on schedule, and commands on demand, on many machines over SSH.", "loom"};
    Globals globals;
    std::map<std::string, std::pair<const CommandRow*, Action>> actions;
};

void add_globals(CommandLine& line, CommandContext& context) {
    auto& app = line.app;
    app.add_option("-c,--config", context.config, "The configuration: a list a,b,c, of which the first that exists is read")->type_name("FILES");
    app.add_option("--server", context.server, "The daemon to ask: https://HOST:PORT; else LOOM_SERVER, or a context's")->type_name("URL");
    app.add_option("--context", context.server_context, "The daemon of this name (see `loom context`); local: this machine's")->type_name("CONTEXT");
    app.add_option("-o,--output", line.globals.output, "For people, or for programs")->type_name("table|json");
    app.add_flag("--no-color", line.globals.no_color, "Never colour; NO_COLOR in the environment says the same");
    app.add_flag("-v,--verbose", context.verbose, "Say more on stderr");
    app.add_flag("--version", line.globals.version, "Print the version and the SSH library in use");
}

/// Where several words may stand, CLI11 takes one such as `[1-9]` for a list and its brackets off: a mark keeps it from that.
constexpr char bracket_mark = '\x1f';

Words mark_brackets(Words args) {
    for (auto& word : args)
        if (word.starts_with('[') && word.ends_with(']')) word.insert(0, 1, bracket_mark);
    return args;
}

std::string take_mark_off(std::string& word) {
    if (word.starts_with(bracket_mark)) word.erase(0, 1);
    return {};
}

void add_commands(CommandLine& line) {
    for (const auto& row : command_table()) {
        auto* command = line.app.add_subcommand(row.name, row.summary);
        if (row.hidden) command->group("");
        line.actions[row.name] = {&row, row.prepare(*command)};
    }
    // Unknown words are kept, so that the message can name what was meant; global flags may stand anywhere.
    // The kind of value of an argument says nothing beside its name.
    const std::function<void(CLI::App&)> loosen = [&](CLI::App& app) {
        app.allow_extras();
        app.fallthrough();
        for (auto* option : app.get_options()) {
            option->transform(CLI::Validator(take_mark_off, ""));
            if (option->get_positional() && option->get_lnames().empty()) option->type_name("");
        }
        for (auto* below : app.get_subcommands([](CLI::App*) { return true; })) loosen(*below);
    };
    loosen(line.app);
    line.app.require_subcommand(0, 1);
}

Words flags_of(const CLI::App& app) {
    Words flags;
    for (const auto* at = &app; at; at = at->get_parent())
        for (const auto* option : at->get_options()) {
            for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
            for (const auto& name : option->get_snames()) flags.push_back("-" + name);
        }
    return flags;
}

Words commands_of(CLI::App& app) {
    Words names;
    for (const auto* below : app.get_subcommands([](CLI::App* each) { return !each->get_group().empty(); })) names.push_back(below->get_name());
    return names;
}

/// What the command line holds that no command knows; nothing when there is no such word.
std::optional<Error> unknown_word(CLI::App& app) {
    const auto extras = app.remaining(true);
    if (extras.empty()) return std::nullopt;
    auto& command = innermost(app);
    const auto flag = std::find_if(extras.begin(), extras.end(), [](const auto& word) { return word.starts_with('-'); });
    if (flag != extras.end()) {
        const auto name = flag->substr(0, flag->find('='));
        return usage_error("unknown flag " + name + did_you_mean(name, flags_of(command)));
    }
    const auto* kind = &command == &app ? "unknown command \"" : "unexpected word \"";
    const auto* hint = takes_words(path_of(command)) ? ": the command stands behind --" : "";
    return usage_error(kind + extras.front() + "\"" + hint + did_you_mean(extras.front(), commands_of(command)));
}

/// The library's words where they are a person's.
std::string words_of(const CLI::ParseError& error, CLI::App& app) {
    const std::string words = error.what();
    if (words == "A subcommand is required") return fmt::format("expected one of {}", fmt::join(commands_of(innermost(app)), ", "));
    const auto most = words.find(": At Most 1 required");
    return most == words.npos ? words : words.substr(0, most) + " is given more than once";
}

int usage(CommandContext& context, CLI::App& app, const std::string& message) {
    const auto path = path_of(innermost(app));
    say(context, path + ": " + message + "\nTry " + path + " --help");
    return static_cast<int>(Errc::usage);
}

int parse(CommandLine& line, CommandContext& context, Words args) {
    std::reverse(args.begin(), args.end()); // CLI11 takes its vector from the back
    try {
        line.app.parse(std::move(args));
    } catch (const CLI::CallForHelp&) {
        context.streams.out << help_of(line.app, out_width(context)) << std::flush;
        return 0;
    } catch (const CLI::ParseError& error) {
        // A misspelt flag often leaves something else missing: the flag is what to talk about.
        const auto unknown = unknown_word(line.app);
        return usage(context, line.app, unknown ? unknown->message : words_of(error, line.app));
    }
    if (const auto unknown = unknown_word(line.app)) return usage(context, line.app, unknown->message);
    return -1;
}

/// Why the command does not go with what was said of a server.
std::optional<std::string> local_only(const CommandRow& row, const CommandContext& context) {
    const bool named = !context.server.empty() || (!context.server_context.empty() && context.server_context != "local");
    if (!context.server.empty() && !context.server_context.empty()) return "--server or --context, not both";
    if (named && !context.config.empty()) return "-c names a configuration of this machine, --server and --context a daemon elsewhere: not both";
    if (!named || !row.local) return std::nullopt;
    return fmt::format("{} works on this machine alone; without --server and --context it does", row.name);
}

int start(CommandLine& line, CommandContext& context, const Words& words) {
    const auto& globals = line.globals;
    if (globals.version) {
        context.streams.out << "loom " LOOM_VERSION "\n";
        if (context.libraries) context.streams.out << context.libraries() << "\n";
        context.streams.out << std::flush;
        return 0;
    }
    if (globals.output != "table" && globals.output != "json")
        return usage(context, line.app, "--output: expected table or json, not \"" + globals.output + "\"");
    context.json = globals.output == "json";
    const char* no_color = std::getenv("NO_COLOR");
    if (globals.no_color || (no_color && *no_color)) context.streams.colour = false;
    const auto commands = line.app.get_subcommands();
    if (commands.empty()) {
        context.streams.err << help_of(line.app, context.streams.err_terminal ? context.streams.width() : 0) << std::flush;
        return static_cast<int>(Errc::usage);
    }
    const auto& [row, action] = line.actions.at(commands.front()->get_name());
    if (!words.empty() && !row->takes_words)
        return usage(context, line.app, "unexpected word \"" + words.front() + "\" after --");
    if (const auto refused = local_only(*row, context)) return usage(context, line.app, *refused);
    return action(context, words);
}

} // namespace

int run_command_line(std::vector<std::string> args, CommandContext& context) {
    // What follows `--` is the command's own: CLI11 never sees it.
    const auto dashes = std::find(args.begin(), args.end(), "--");
    const Words words(dashes == args.end() ? dashes : dashes + 1, args.end());
    args.erase(dashes, args.end());
    CommandLine line;
    add_globals(line, context);
    add_commands(line);
    const auto refused = parse(line, context, mark_brackets(std::move(args)));
    return refused >= 0 ? refused : start(line, context, words);
}

} // namespace loom
