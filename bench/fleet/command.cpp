#include "fleet/command.hpp"

#include <algorithm>
#include <cstdlib>

namespace loom::fleet {

namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// A number at the beginning of a text, not negative; 0 where there is none.
double number_in(std::string_view text) {
    const double value = std::strtod(std::string(text).c_str(), nullptr);
    return value > 0 && value < 1e15 ? value : 0;
}

void parse_statement(std::string_view text, std::vector<Action>& into) {
    using Kind = Action::Kind;
    const auto space = std::min(text.find(' '), text.size());
    const auto name = text.substr(0, space), rest = trimmed(text.substr(space));
    if (name == "false") into.push_back({Kind::leave, "", 1});
    else if (name == "exit") into.push_back({Kind::leave, "", static_cast<std::uint64_t>(number_in(rest)) % 256});
    else if (name == "echo") into.push_back({Kind::say, std::string(rest) + "\n"});
    else if (name == "err") into.push_back({Kind::complain, std::string(rest) + "\n"});
    else if (name == "output") into.push_back({Kind::output, "", static_cast<std::uint64_t>(number_in(rest))});
    else if (name == "cat") into.push_back({Kind::cat});
    else if (name == "hang") into.push_back({Kind::stay});
    else if (name == "die") into.push_back({Kind::die, rest.empty() ? "TERM" : std::string(rest)});
    else if (name == "sleep")
        into.push_back({Kind::wait, "", 0, std::chrono::microseconds(static_cast<std::int64_t>(number_in(rest) * 1e6))});
}

} // namespace

std::vector<Action> parse_command(std::string_view text) {
    using Kind = Action::Kind;
    std::vector<Action> actions;
    if (text.find("exec /bin/sh -c ") != text.npos && text.find("echo survivors: $left;") != text.npos) {
        actions.push_back({Kind::end_others});
        actions.push_back({Kind::say, "survivors:\n"});
        return actions;
    }
    while (!text.empty()) {
        const auto end = std::min(text.find(';'), text.size());
        parse_statement(trimmed(text.substr(0, end)), actions);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return actions;
}

} // namespace loom::fleet
