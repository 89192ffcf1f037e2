#include "core/base/template_text.hpp"

#include "core/base/near.hpp"

#include <algorithm>
#include <array>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::array<std::string_view, 4> roots{"run", "node", "job", "params"};

bool name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Whether what follows `{{` is one of the roots as a whole word.
bool begins_with_root(std::string_view text) {
    text = text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
    const auto end = std::ranges::find_if_not(text, name_char);
    return std::ranges::find(roots, text.substr(0, static_cast<std::size_t>(end - text.begin()))) != roots.end();
}

bool well_formed(std::string_view name) {
    if (name.empty() || name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(name, [](char c) { return name_char(c) || c == '.'; });
}

Result<TemplatePart> read_placeholder(std::string_view inner) {
    const auto bar = inner.find('|');
    TemplatePart part{trimmed(inner.substr(0, bar)), true, bar != std::string_view::npos};
    if (part.quote) {
        const auto filter = trimmed(inner.substr(bar + 1));
        if (filter != "quote")
            return usage_error(fmt::format("\"{{{{ {} }}}}\": unknown filter \"{}\", expected quote", trimmed(inner), filter));
    }
    const auto parameter = part.text.starts_with("params.") ? part.text.substr(7) : std::string_view();
    const bool open = part.text.starts_with("node.vars.") || (!parameter.empty() && parameter.find('.') == std::string_view::npos);
    static const std::vector<std::string> known{"run.id",    "run.due",      "job.name",      "node.name",
                                                "node.user", "node.address", "node.vars.NAME", "params.NAME"};
    if (well_formed(part.text) && (open || std::ranges::find(known, part.text) != known.end())) return part;
    return usage_error(fmt::format("unknown placeholder \"{{{{ {} }}}}\"{}; known are {}", trimmed(inner),
                                   did_you_mean(part.text, known), fmt::join(known, ", ")));
}

} // namespace

Result<std::vector<TemplatePart>> parse_template(std::string_view text) {
    std::vector<TemplatePart> parts;
    std::size_t literal = 0;
    for (auto at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at)) {
        if (!begins_with_root(text.substr(at + 2))) {
            ++at;
            continue;
        }
        const auto end = text.find("}}", at);
        if (end == std::string_view::npos)
            return usage_error(fmt::format("\"{}\" begins a placeholder, but no \"}}}}\" follows", text.substr(at, 30)));
        auto part = read_placeholder(text.substr(at + 2, end - at - 2));
        if (!part) return part.error();
        if (at > literal) parts.push_back({text.substr(literal, at - literal)});
        parts.push_back(*part);
        literal = at = end + 2;
    }
    if (literal < text.size()) parts.push_back({text.substr(literal)});
    return parts;
}

bool has_placeholder(std::string_view text) {
    const auto parts = parse_template(text);
    return !parts || std::ranges::any_of(*parts, &TemplatePart::placeholder);
}

} // namespace loom
