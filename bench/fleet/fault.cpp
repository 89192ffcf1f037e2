#include "fleet/fault.hpp"

#include <algorithm>
#include <charconv>

namespace loom::fleet {

namespace {

template <class Names>
std::optional<std::size_t> index_of(const Names& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<std::size_t>(found - names.begin());
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

} // namespace

std::optional<Fault> parse_fault(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    const auto step = index_of(step_names, text.substr(0, colon));
    const auto kind = index_of(kind_names, text.substr(colon + 1));
    if (!step || *step == 0 || !kind) return std::nullopt;
    return Fault{static_cast<Step>(*step), static_cast<Kind>(*kind)};
}

std::string to_string(const Fault& fault) {
    return std::string(step_names[static_cast<std::size_t>(fault.step)]) + ":" +
           std::string(kind_names[static_cast<std::size_t>(fault.kind)]);
}

std::optional<FaultRule> parse_fault_rule(std::string_view text) {
    FaultRule rule;
    if (const auto equals = text.find('='); equals != text.npos) {
        const auto who = text.substr(0, equals);
        text.remove_prefix(equals + 1);
        if (who.ends_with('%')) {
            const auto share = whole_number(who.substr(0, who.size() - 1));
            if (!share || *share > 100) return std::nullopt;
            rule.share = static_cast<unsigned>(*share);
        } else {
            rule.address = who;
        }
    }
    if (const auto star = text.find('*'); star != text.npos) {
        const auto times = whole_number(text.substr(star + 1));
        if (!times) return std::nullopt;
        rule.times = *times;
        text = text.substr(0, star);
    }
    const auto fault = parse_fault(text);
    if (!fault) return std::nullopt;
    rule.fault = *fault;
    return rule;
}

} // namespace loom::fleet
