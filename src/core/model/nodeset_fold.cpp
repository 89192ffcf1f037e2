#include "core/model/nodeset.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace loom {
namespace {

/// A name's last runs of digits are its numbers; earlier ones are text: nobody numbers machines in more dimensions.
constexpr std::size_t numbers_most = 4;
constexpr std::size_t range_digits_most = 18;

bool folded_digit(char c) { return c >= '0' && c <= '9'; }

/// A name as numbers in a shape, and later several such names in one: `suffix` is what has been folded so far, from
/// the name's end on.
struct Entry {
    std::array<std::uint64_t, numbers_most> value{};
    std::array<std::uint8_t, numbers_most> width{}; ///< digits of a padded number, 0 for a plain one
    std::string suffix;
    std::string_view first; ///< the least name in it
};

/// The names that differ in their numbers only. `text[i]` stands before number i, `text.back()` ends the name.
struct Shape {
    std::vector<std::string> text;
    std::vector<Entry> entries;
    std::array<std::uint32_t, numbers_most> padded_widths{}; ///< bit w: some number i is padded to w digits
};

struct DigitRun {
    std::size_t begin, size;
};

std::vector<DigitRun> number_runs(std::string_view name) {
    std::vector<DigitRun> runs;
    for (std::size_t at = 0; at < name.size();) {
        if (!folded_digit(name[at])) {
            ++at;
            continue;
        }
        const auto begin = at;
        while (at < name.size() && folded_digit(name[at])) ++at;
        if (at - begin <= range_digits_most) runs.push_back({begin, at - begin});
    }
    if (runs.size() > numbers_most) runs.erase(runs.begin(), runs.end() - numbers_most);
    return runs;
}

void add(std::unordered_map<std::string, Shape>& shapes, std::string_view name) {
    const auto runs = number_runs(name);
    std::string key;
    std::vector<std::string> text;
    std::size_t at = 0;
    Entry entry;
    entry.first = name;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        text.emplace_back(name.substr(at, runs[i].begin - at));
        // With its length, whatever it holds: no two shapes share a key.
        key.append(std::to_string(text.back().size())).append(":").append(text.back());
        for (const char c : name.substr(runs[i].begin, runs[i].size))
            entry.value[i] = entry.value[i] * 10 + static_cast<std::uint64_t>(c - '0');
        entry.width[i] = static_cast<std::uint8_t>(runs[i].size);
        at = runs[i].begin + runs[i].size;
    }
    text.emplace_back(name.substr(at));
    key += text.back();

    auto& shape = shapes[key];
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (name[runs[i].begin] == '0' && runs[i].size > 1) shape.padded_widths[i] |= 1u << runs[i].size;
    shape.text = std::move(text);
    shape.entries.push_back(std::move(entry));
}

/// A number without leading zeros goes with the padded ones of its length (`100` with `001`), else it is plain.
void settle_widths(Shape& shape) {
    for (auto& entry : shape.entries)
        for (std::size_t i = 0; i + 1 < shape.text.size(); ++i)
            if (!(shape.padded_widths[i] >> entry.width[i] & 1)) entry.width[i] = 0;
}

std::string spell(std::uint64_t value, std::size_t width) {
    auto text = std::to_string(value);
    if (text.size() < width) text.insert(0, width - text.size(), '0');
    return text;
}

/// `7`, or `[1-4,7]`, of sorted entries.
std::string spell_numbers(std::span<const Entry> entries, std::size_t i) {
    const auto width = entries.front().width[i];
    std::string text;
    bool several = false;
    for (std::size_t at = 0; at < entries.size();) {
        const auto first = entries[at].value[i];
        auto last = first;
        for (++at; at < entries.size() && entries[at].value[i] <= last + 1; ++at) last = entries[at].value[i];
        if (!text.empty()) text += ',';
        several = several || !text.empty() || last != first;
        text += spell(first, width);
        if (last != first) text += '-' + spell(last, width);
    }
    return several ? '[' + text + ']' : text;
}

/// Folds along number `i`: entries that are equal in all else become one.
void fold_number(Shape& shape, std::size_t i) {
    auto& entries = shape.entries;
    const auto others = [i](const Entry& a, const Entry& b) {
        if (const auto order = a.width <=> b.width; order != 0) return order;
        for (std::size_t n = 0; n < i; ++n)
            if (const auto order = a.value[n] <=> b.value[n]; order != 0) return order;
        return a.suffix.compare(b.suffix) <=> 0;
    };
    std::ranges::sort(entries, [&](const Entry& a, const Entry& b) {
        const auto order = others(a, b);
        return order != 0 ? order < 0 : a.value[i] < b.value[i];
    });
    std::vector<Entry> folded;
    for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
        while (end < entries.size() && others(entries[begin], entries[end]) == 0) ++end;
        const std::span same(entries.data() + begin, end - begin);
        auto entry = same.front();
        entry.suffix = shape.text[i] + spell_numbers(same, i) + entry.suffix;
        folded.push_back(std::move(entry));
    }
    entries = std::move(folded);
}

} // namespace

std::string fold_nodeset(std::span<const std::string> names) {
    std::unordered_map<std::string, Shape> shapes;
    for (const auto& name : names) add(shapes, name);
    std::vector<Entry> all;
    for (auto& [key, shape] : shapes) {
        settle_widths(shape);
        for (auto& entry : shape.entries) entry.suffix = shape.text.back();
        for (auto i = shape.text.size() - 1; i-- > 0;) fold_number(shape, i);
        if (shape.text.size() == 1) shape.entries.resize(1); // no number: all are the same name
        std::ranges::move(shape.entries, std::back_inserter(all));
    }
    std::ranges::sort(all, [](const Entry& a, const Entry& b) {
        return a.first != b.first ? natural_less(a.first, b.first) : a.suffix < b.suffix;
    });
    std::string text;
    for (const auto& entry : all) {
        if (!text.empty()) text += ',';
        text += entry.suffix;
    }
    return text;
}

} // namespace loom
