#include "core/config/crontab.hpp"

#include "core/base/digest.hpp"
#include "core/base/quote.hpp"
#include "core/base/template_text.hpp"
#include "core/base/utf8.hpp"
#include "core/time/cron.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace json = boost::json;

constexpr std::string_view blanks = " \t";

std::string_view trimmed_entry(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string_view unquoted(std::string_view text) {
    const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.front() == text.back();
    return quoted ? text.substr(1, text.size() - 2) : text;
}

bool is_variable(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !name.empty() && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// `NAME = value` and its parts; nothing for any other line.
std::optional<std::pair<std::string_view, std::string_view>> assignment(std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = unquoted(trimmed_entry(line.substr(0, equals)));
    if (!is_variable(name)) return std::nullopt;
    return std::pair(name, unquoted(trimmed_entry(line.substr(equals + 1))));
}

/// crontab(5): an unescaped % ends the command; what follows is its input, each further % a line end.
std::pair<std::string, std::optional<std::string>> split_input(std::string_view text) {
    std::string command;
    std::optional<std::string> input;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto& into = input ? *input : command;
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '%') into += text[++i];
        else if (text[i] != '%') into += text[i];
        else if (input) into += '\n';
        else input.emplace();
    }
    if (input) *input += '\n';
    return {std::move(command), std::move(input)};
}

/// `/opt/bin/backup.sh --full >/dev/null` → `backup-full`.
std::string name_of(std::string_view command) {
    constexpr std::size_t most = 40;
    std::string name;
    for (std::size_t begin = 0; (begin = command.find_first_not_of(blanks, begin)) != std::string_view::npos;) {
        const auto end = std::min(command.find_first_of(blanks, begin), command.size());
        auto word = command.substr(begin, end - begin);
        begin = end;
        if (word.find_first_of("<>|") != std::string_view::npos && !name.empty()) break;
        if (const auto slash = word.find_last_of('/'); slash != std::string_view::npos) word.remove_prefix(slash + 1);
        for (const std::string_view ending : {".sh", ".py", ".pl", ".rb"})
            if (word.ends_with(ending)) word.remove_suffix(ending.size());
        std::string part;
        for (char c : word) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
            if (plain) part += c;
            else if (!part.empty() && part.back() != '-') part += '-';
        }
        while (part.ends_with('-') || part.ends_with('.')) part.pop_back();
        if (part.empty()) continue;
        if (!name.empty() && name.size() + part.size() >= most) break;
        name += (name.empty() ? "" : "-") + part.substr(0, most);
    }
    return name.empty() ? "job" : name;
}

class CrontabReader {
public:
    CrontabReader(const SourceText& source, const CrontabOptions& options, Faults& faults)
        : source_(source), options_(options), faults_(faults) {}

    CrontabJobs read() {
        for (auto rest = source_.text; !rest.empty();) {
            const auto end = std::min(rest.find('\n'), rest.size());
            ++line_;
            whole_ = rest.substr(0, end);
            const auto line = trimmed_entry(whole_);
            if (!line.empty() && line.front() != '#' && good_bytes(line)) take(line);
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        result_.manifest["jobs"] = std::move(jobs_);
        return std::move(result_);
    }

private:
    Mark mark(std::string_view part) const {
        return {&source_, line_, static_cast<std::uint32_t>(part.data() - whole_.data() + 1)};
    }
    void fault(std::string_view part, std::string message) { faults_.push_back({mark(part), std::move(message)}); }
    void warn(std::string_view part, std::string message) { result_.warnings.push_back({mark(part), std::move(message)}); }
    void warn_once(bool& told, std::string_view part, std::string message) {
        if (!std::exchange(told, true)) warn(part, std::move(message));
    }

    bool good_bytes(std::string_view line) {
        for (std::size_t i = 0; i < line.size();) {
            const auto character = decode_utf8(line.substr(i));
            if (!character.valid || (character.code < 0x20 && character.code != '\t') || character.code == 0x7f) {
                fault(line.substr(i), fmt::format("byte 0x{:02x} is not text", static_cast<unsigned>(character.code)));
                return false;
            }
            i += character.bytes;
        }
        return true;
    }

    void take(std::string_view line) {
        if (const auto set = assignment(line)) return take_variable(line, set->first, set->second);
        take_job(line);
    }

    void take_variable(std::string_view line, std::string_view name, std::string_view value) {
        if (name == "MAILTO" || name == "MAILFROM") {
            if (name == "MAILTO" && !value.empty())
                warn_once(told_mail_, line, "MAILTO: Loom sends no mail; what a job prints is kept: loom logs");
        } else if (name == "CRON_TZ") {
            if (const auto zone = find_zone(value); !zone && !value.empty()) fault(line, "CRON_TZ: " + zone.error().message);
            else zone_ = value;
        } else if (name == "RANDOM_DELAY") {
            delay_ = value;
            if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos || value.size() > 6)
                fault(line, fmt::format("RANDOM_DELAY: expected minutes, not \"{}\"", value));
        } else if (name == "SHELL") {
            shell_ = value;
        } else if (name != "LOGNAME" && name != "USER" && !name.starts_with("CONTENT_")) {
            if (has_placeholder(value))
                return warn(line, fmt::format("{}: its braces mean something to Loom: it is left out", name));
            variables_[std::string(name)] = value;
        }
    }

    /// The next word of `rest`, with what follows it left there.
    static std::string_view next_word(std::string_view& rest) {
        rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
        const auto word = rest.substr(0, rest.find_first_of(blanks));
        rest.remove_prefix(word.size());
        return word;
    }

    /// cronie's `~` picks a time when crond starts; H is the same, picked once for ever.
    std::string field_of(std::string_view field) {
        const auto tilde = field.find('~');
        if (tilde == std::string_view::npos) return std::string(field);
        warn_once(told_random_, field, "~ becomes H: a time that stays the same for each job");
        const auto low = field.substr(0, tilde), high = field.substr(tilde + 1);
        if (low.empty() && high.empty()) return "H";
        return fmt::format("H({}-{})", low, high);
    }

    void take_job(std::string_view line) {
        auto rest = line;
        std::string schedule;
        if (line.front() == '@') {
            schedule = next_word(rest);
        } else {
            // SUSE's cron: a minus in front keeps the line out of syslog.
            if (line.front() == '-') rest.remove_prefix(1);
            for (int field = 0; field < 5; ++field) schedule += (field == 0 ? "" : " ") + field_of(next_word(rest));
        }
        const auto user = options_.system ? next_word(rest) : std::string_view{};
        const auto text = trimmed_entry(rest);
        if (text.empty()) return fault(line, options_.system ? "expected five fields or @NAME, a user and a command"
                                                             : "expected five fields or @NAME, and a command");
        auto [command, input] = split_input(text);
        const auto name = unique_name(name_of(command), schedule + " " + std::string(text));
        if (const auto cron = parse_cron(schedule, name); !cron) return fault(line, cron.error().message);
        if (has_placeholder(text))
            return warn(text, "its braces mean something to Loom: the line is left out");
        jobs_[name] = job(std::move(command), input, schedule, std::string(user), text);
    }

    std::string unique_name(std::string name, const std::string& line) const {
        if (!jobs_.contains(name)) return name;
        name += "-" + sha256_hex(line).substr(0, 6);
        if (!jobs_.contains(name)) return name;
        int again = 2;
        while (jobs_.contains(fmt::format("{}-{}", name, again))) ++again;
        return fmt::format("{}-{}", name, again);
    }

    json::object job(std::string command, const std::optional<std::string>& input, const std::string& schedule,
                     const std::string& user, std::string_view place) {
        if (!shell_.empty() && shell_ != "/bin/sh") command = shell_quote(shell_).value() + " -c " + shell_quote(command).value();
        json::object made;
        made["description"] = fmt::format("{} line {}", source_.shown, line_);
        made["command"] = command;
        if (input) made["stdin"] = *input;
        if (!user.empty()) {
            warn_once(told_user_, place, "the user's column becomes sudo: its password, if it asks for one, is the node's become.password");
            made["become"] = json::object{{"user", user}};
        }
        if (!variables_.empty()) {
            json::object env;
            for (const auto& [key, value] : variables_) env[key] = value;
            made["env"] = std::move(env);
        }
        if (const auto home = variables_.find("HOME"); home != variables_.end()) made["cwd"] = home->second;
        if (zone_.empty() && delay_.empty()) {
            made["schedule"] = schedule;
        } else {
            json::object parts{{"cron", schedule}};
            if (!zone_.empty()) parts["tz"] = zone_;
            if (!delay_.empty()) parts["splay"] = delay_ + "m";
            made["schedule"] = std::move(parts);
        }
        made["targets"] = options_.targets;
        return made;
    }

    const SourceText& source_;
    const CrontabOptions& options_;
    Faults& faults_;
    CrontabJobs result_;
    json::object jobs_;
    std::uint32_t line_ = 0;
    std::string_view whole_;
    std::map<std::string, std::string> variables_;
    std::string zone_, delay_, shell_;
    bool told_mail_ = false, told_random_ = false, told_user_ = false;
};

} // namespace

CrontabJobs read_crontab(const SourceText& text, const CrontabOptions& options, Faults& faults) {
    return CrontabReader(text, options, faults).read();
}

} // namespace loom
