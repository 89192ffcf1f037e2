#include "ssh/patterns.hpp"

#include <algorithm>
#include <cctype>

namespace loom {

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

/// Goes back to the last star only, so the time is at most quadratic.
bool pattern_matches(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0, star = pattern.npos, resume = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != pattern.npos) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool pattern_list_matches(std::string_view list, std::string_view name) {
    bool found = false;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        auto pattern = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        const bool negated = pattern.starts_with('!');
        if (negated) pattern.remove_prefix(1);
        if (pattern.empty() || !pattern_matches(pattern, name)) continue;
        if (negated) return false;
        found = true;
    }
    return found;
}

} // namespace loom
