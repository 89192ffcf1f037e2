#include "core/base/utf8.hpp"
#include "core/config/ansible_groups.hpp"
#include "core/config/words.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::string_view trimmed_line(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\f\v");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\f\v") - first + 1);
}

/// The text without what a `#` begins behind a blank: names of groups hold neither.
std::string_view without_comment(std::string_view text) {
    const auto comment = text.find('#');
    return trimmed_line(text.substr(0, comment));
}

AnsibleVar variable(std::string_view text, const Mark& mark) {
    auto literal = python_literal(text);
    if (!literal) return {boost::json::value(text), mark, {}};
    const bool plain = literal->is_number() || literal->is_bool();
    return {std::move(*literal), mark, plain ? std::string(without_comment(text)) : std::string{}};
}

class IniReader {
public:
    IniReader(const SourceText& source, AnsibleGroups& into, Faults& faults)
        : source_(source), into_(into), faults_(faults) {}

    void read() {
        auto rest = source_.text;
        if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
        while (!rest.empty()) {
            const auto end = std::min(rest.find('\n'), rest.size());
            ++line_;
            whole_ = rest.substr(0, end);
            take(trimmed_line(whole_));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }

private:
    enum class Section { hosts, children, vars, unknown };

    Mark mark(std::string_view part) const {
        return {&source_, line_, static_cast<std::uint32_t>(part.data() - whole_.data() + 1)};
    }
    void fault(std::string_view part, std::string message) { faults_.push_back({mark(part), std::move(message)}); }

    void take(std::string_view line) {
        if (line.empty() || line.front() == '#' || line.front() == ';') return;
        if (!good_bytes(line)) return;
        if (line.front() == '[' && take_section(line)) return;
        if (section_ == Section::hosts) take_host(line);
        else if (section_ == Section::children) take_child(line);
        else if (section_ == Section::vars) take_variable(line);
    }

    bool good_bytes(std::string_view line) {
        for (std::size_t i = 0; i < line.size();) {
            const auto character = decode_utf8(line.substr(i));
            if (!character.valid || character.code == 0) {
                fault(line.substr(i), fmt::format("byte 0x{:02x} is not UTF-8 text", static_cast<unsigned>(character.code)));
                return false;
            }
            i += character.bytes;
        }
        return true;
    }

    /// False when the line is no section: a host's name may begin with a range.
    bool take_section(std::string_view line) {
        const auto close = line.find(']');
        if (close == std::string_view::npos) {
            section_ = Section::unknown;
            fault(line, "expected [GROUP], [GROUP:children] or [GROUP:vars]");
            return true;
        }
        const auto behind = trimmed_line(line.substr(close + 1));
        if (!behind.empty() && behind.front() != '#') return false;
        const auto title = line.substr(1, close - 1);
        const auto colon = title.find(':');
        const auto name = title.substr(0, colon);
        const auto kind = colon == std::string_view::npos ? std::string_view("hosts") : title.substr(colon + 1);
        section_ = kind == "hosts"      ? Section::hosts
                   : kind == "children" ? Section::children
                   : kind == "vars"     ? Section::vars
                                        : Section::unknown;
        if (name.empty() || name.find_first_of(" \t") != std::string_view::npos || section_ == Section::unknown) {
            section_ = Section::unknown;
            fault(title, fmt::format("[{}]: expected [GROUP], [GROUP:children] or [GROUP:vars]", title));
            return true;
        }
        group_ = into_.group(name, mark(name));
        // A section of variables alone makes no group.
        if (section_ != Section::vars) into_.groups[group_].declared = true;
        return true;
    }

    void take_host(std::string_view line) {
        const auto words = split_words(line);
        if (!words) return fault(line, words.error().message);
        if (words->empty()) return;
        AnsibleVars vars;
        for (std::size_t i = 1; i < words->size(); ++i) {
            const std::string_view word = (*words)[i];
            const auto equals = word.find('=');
            // The name stands in the line as it is; its value may have lost quotes.
            const auto place = line.find(word.substr(0, equals == std::string_view::npos ? equals : equals + 1));
            const auto part = place == std::string_view::npos ? line : line.substr(place);
            // What is wrong may be a password: no message here quotes its text.
            if (equals == std::string_view::npos || equals == 0) return fault(part, "expected NAME=VALUE behind the host");
            vars.insert_or_assign(std::string(word.substr(0, equals)), variable(word.substr(equals + 1), mark(part)));
        }
        std::string why;
        if (!into_.add_hosts(group_, words->front(), mark(line), vars, why)) fault(line, why);
    }

    void take_child(std::string_view line) {
        const auto name = without_comment(line);
        if (name.empty() || name.find_first_of(" \t:]") != std::string_view::npos)
            return fault(line, "expected a group's name");
        const auto child = into_.group(name, mark(name));
        into_.groups[group_].children.push_back(child);
    }

    void take_variable(std::string_view line) {
        const auto equals = line.find('=');
        const auto key = trimmed_line(line.substr(0, equals));
        if (equals == std::string_view::npos || key.empty())
            return fault(line, "expected NAME=VALUE");
        into_.groups[group_].vars.insert_or_assign(std::string(key), variable(trimmed_line(line.substr(equals + 1)), mark(line)));
    }

    const SourceText& source_;
    AnsibleGroups& into_;
    Faults& faults_;
    std::uint32_t line_ = 0;
    std::string_view whole_;
    Section section_ = Section::hosts;
    std::size_t group_ = AnsibleGroups::ungrouped;
};

} // namespace

void read_ansible_ini(const SourceText& text, AnsibleGroups& into, Faults& faults) { IniReader(text, into, faults).read(); }

} // namespace loom
