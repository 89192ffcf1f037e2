#include "core/model/nodeset.hpp"

#include <algorithm>

namespace loom {
namespace {

bool in_number(char c) { return c >= '0' && c <= '9'; }

/// Takes a run of digits from the front and returns it without its leading zeros.
std::string_view take_number(std::string_view& text) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, in_number) - text.begin());
    auto run = text.substr(0, end);
    text.remove_prefix(end);
    run.remove_prefix(std::min(run.find_first_not_of('0'), run.size()));
    return run;
}

} // namespace

bool natural_less(std::string_view a, std::string_view b) {
    const auto whole_a = a, whole_b = b;
    while (!a.empty() && !b.empty()) {
        if (in_number(a.front()) && in_number(b.front())) {
            const auto x = take_number(a), y = take_number(b);
            if (x.size() != y.size()) return x.size() < y.size();
            if (const auto order = x.compare(y); order != 0) return order < 0;
            continue;
        }
        if (a.front() != b.front()) return static_cast<unsigned char>(a.front()) < static_cast<unsigned char>(b.front());
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    if (a.empty() != b.empty()) return a.empty();
    return whole_a < whole_b;
}

} // namespace loom
