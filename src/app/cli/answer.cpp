#include "app/cli/answer.hpp"

#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"
#include "core/base/quote.hpp"

#include <ostream>
#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// The milliseconds of a UUIDv7: `0198a1b2-c3d4`.
constexpr std::size_t time_part = 13;

} // namespace

int fail(CommandContext& context, const Error& error) {
    say(context, "loom: " + error.message);
    return static_cast<int>(error.code);
}

void say(CommandContext& context, std::string_view message) {
    context.streams.err << for_terminal(message, false) << '\n' << std::flush;
}

void say_prose(CommandContext& context, std::string_view message) {
    say(context, wrapped(message, context.streams.err_terminal ? std::max<std::size_t>(context.streams.width(), 20) : 0));
}

void say_message(CommandContext& context, const Event& event) {
    if (const auto* message = event.data.if_contains("message"); message && message->is_string()) say(context, message->get_string());
}

void say_draining(CommandContext& context, const CatalogView& catalog) {
    if (catalog.draining.empty()) return;
    say(context, "The daemon is draining, by " + catalog.draining + ": nothing new starts.\n  undo: " + command_hint(context, {"drain", "--undo"}));
}

Paint out_paint(const CommandContext& context) { return Paint(context.streams.colour && context.streams.out_terminal); }

std::size_t out_width(const CommandContext& context) {
    return context.streams.out_terminal ? std::max<std::size_t>(context.streams.width(), 20) : 0;
}

void print(CommandContext& context, const Table& table) {
    context.streams.out << table.render(out_width(context), out_paint(context)) << std::flush;
}

void print_json_line(CommandContext& context, const boost::json::value& json) {
    context.streams.out << boost::json::serialize(json) << '\n' << std::flush;
}

void say_nothing_configured(CommandContext& context, const CatalogView& catalog, std::string_view none) {
    if (!catalog.file.empty()) say(context, fmt::format("{} in {}.", none, catalog.file));
    else say(context, "There is no configuration: it is looked for in ~/.loom/loom.yaml and /etc/loom.yaml, among others, or -c names it.");
}

std::string command_hint(const CommandContext& context, std::vector<std::string> words) {
    if (!context.config.empty()) words.insert(words.begin(), {"-c", context.config});
    if (!context.server.empty()) words.insert(words.begin(), {"--server", context.server});
    if (!context.server_context.empty()) words.insert(words.begin(), {"--context", context.server_context});
    words.insert(words.begin(), "loom");
    const auto line = shell_join(words);
    return line ? for_line(*line) : std::string{};
}

std::vector<std::string> short_ids(const std::vector<RunView>& runs) {
    std::vector<std::string> ids;
    std::set<std::string> seen;
    for (const auto& run : runs) {
        ids.push_back(run.id.substr(0, time_part));
        seen.insert(ids.back());
    }
    if (seen.size() == runs.size()) return ids;
    for (std::size_t i = 0; i < runs.size(); ++i) ids[i] = runs[i].id;
    return ids;
}

bool has_ended(const RunView& run) { return run.state != "running" && run.state != "waiting"; }

int exit_code_of(const RunView& run) {
    if (run.state == "ok") return 0;
    if (run.state == "timed_out") return 124;
    if (run.state == "interrupted") return 130;
    // A job without targets whose on_empty says skip did what was asked; any other skip met a run in flight.
    if (run.state == "skipped" || run.state == "missed") return run.targets == 0 ? 0 : static_cast<int>(Errc::conflict);
    return static_cast<int>(Errc::failed);
}

} // namespace loom
