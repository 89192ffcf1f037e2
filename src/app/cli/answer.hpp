#pragma once
#include "app/cli/context.hpp"
#include "app/cli/output/gather.hpp"
#include "app/cli/output/table.hpp"
#include "core/run/json.hpp"

namespace loom {

/// The error in a person's words on stderr; returns its exit code.
int fail(CommandContext& context, const Error& error);

/// A message for people: on stderr, whatever its bytes.
void say(CommandContext& context, std::string_view message);

/// The same with its lines broken at words on a terminal: for what holds nothing that is to be copied.
void say_prose(CommandContext& context, std::string_view message);

/// Whether stdout is coloured, and how wide a table may be (0: no terminal).
Paint out_paint(const CommandContext& context);
std::size_t out_width(const CommandContext& context);

void print(CommandContext& context, const Table& table);
void print_json_line(CommandContext& context, const boost::json::value& json);

template <class View>
void print_json(CommandContext& context, const View& view) {
    print_json_line(context, to_json(view));
}

/// Says what an event has to say to people, where it does.
void say_message(CommandContext& context, const Event& event);

/// Says that the daemon begins nothing new, where that is so.
void say_draining(CommandContext& context, const CatalogView& catalog);

/// Says why a list of what is configured holds nothing: `none` of it, or no configuration at all.
void say_nothing_configured(CommandContext& context, const CatalogView& catalog, std::string_view none);

/// `loom -c CONFIG WORDS`, to be copied to a shell.
std::string command_hint(const CommandContext& context, std::vector<std::string> words);

/// Opens the door, and lets `work(service)` give the exit code or the Error that decides it.
template <class Work>
int with_service(CommandContext& context, Need need, Work work) {
    auto open = context.open_service(context.config, need);
    if (!open) return fail(context, open.error());
    const Result<int> code = work(*open);
    return code ? *code : fail(context, code.error());
}

/// Asks a question. Where the daemon has gone since the door was opened, whoever answers now is asked: the next daemon, or
/// the ledger in this process.
template <class Ask>
auto ask_even_after(CommandContext& context, const OpenService& open, Ask ask) {
    auto answer = context.wait(ask(*open.service));
    if (answer || !open.daemon || answer.error().code != Errc::unavailable) return answer;
    const auto other = context.open_service(context.config, Need::read);
    if (!other) return answer;
    auto later = context.wait(ask(*other->service));
    return later ? later : answer;
}

/// `id` short enough for a table and still the beginning of one run only among those given: a UUIDv7's time part.
std::vector<std::string> short_ids(const std::vector<RunView>& runs);

bool has_ended(const RunView& run);

/// The exit code that a run's end stands for (docs/semantics.md, "Exit codes").
int exit_code_of(const RunView& run);

} // namespace loom
