#include "ssh/patterns.hpp"

#include "core/base/glob.hpp"

#include <algorithm>
#include <cctype>

namespace loom {

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

bool pattern_list_matches(std::string_view list, std::string_view name) {
    bool found = false;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        auto pattern = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        const bool negated = pattern.starts_with('!');
        if (negated) pattern.remove_prefix(1);
        if (pattern.empty() || !glob_matches(pattern, name)) continue;
        if (negated) return false;
        found = true;
    }
    return found;
}

} // namespace loom
