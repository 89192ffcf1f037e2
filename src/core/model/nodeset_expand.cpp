#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "core/model/nodeset.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <unordered_set>

namespace loom {
namespace {

using Names = std::unordered_set<std::string>;

constexpr std::string_view spaces = " \t\r\n";
constexpr std::string_view operators = ",!&^";
constexpr int depth_most = 64;
/// All terms together, so that a small expression cannot name the same million nodes ten thousand times.
constexpr std::size_t work_most = 4 * limits::nodeset_nodes;

/// `a-b/step` with the least number of digits that each is written with.
struct Range {
    std::uint64_t first, last, step;
    std::size_t width;

    std::size_t size() const { return static_cast<std::size_t>((last - first) / step) + 1; }
};

/// Text, then a choice of numbers; the last one of a pattern may have no choice.
struct Part {
    std::string text;
    std::vector<Range> ranges;

    std::size_t size() const {
        std::size_t sum = ranges.empty() ? 1 : 0;
        for (const auto& range : ranges) sum = std::min(sum + std::min(range.size(), work_most), work_most + 1);
        return sum;
    }
};

/// Recursive descent over the expression. The first mistake is kept in `error`, and ends the reading.
class Parser {
public:
    Parser(std::string_view text, const GroupLookup& lookup, std::span<const std::string> group_names)
        : text_(text), lookup_(lookup), group_names_(group_names) {}

    std::optional<Error> error;

    Names read() {
        skip_spaces();
        if (at_ == text_.size()) return {};
        auto names = read_expression(0);
        if (!error && at_ < text_.size()) fail(at_, fmt::format("expected an operator (, ! & ^), found \"{}\"", text_[at_]));
        return names;
    }

private:
    void fail(std::size_t at, std::string_view what, Errc code = Errc::usage) {
        if (!error)
            error = Error{code, fmt::format("column {}: {} in \"{}{}\"", at + 1, what, text_.substr(0, 100), text_.size() > 100 ? "..." : "")};
    }

    bool at_any(std::string_view of) const { return at_ < text_.size() && of.find(text_[at_]) != of.npos; }
    void skip_spaces() {
        while (at_any(spaces)) ++at_;
    }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    Names read_expression(int depth) {
        auto left = read_term(depth);
        for (skip_spaces(); !error && at_any(operators); skip_spaces()) {
            const char op = text_[at_++];
            combine(left, op, read_term(depth));
        }
        return left;
    }

    /// Costs as much as the right side is long, whatever the left side holds.
    static void combine(Names& left, char op, Names right) {
        if (op == ',') return left.merge(right);
        if (op == '&') {
            std::erase_if(right, [&](const auto& name) { return !left.contains(name); });
            left = std::move(right);
            return;
        }
        while (!right.empty()) {
            auto name = right.extract(right.begin());
            if (left.erase(name.value()) == 0 && op == '^') left.insert(std::move(name));
        }
    }

    Names read_term(int depth) {
        skip_spaces();
        if (error) return {};
        const auto begin = at_;
        if (take('(')) {
            if (depth >= depth_most) return fail(begin, "parentheses are nested too deeply"), Names{};
            auto names = read_expression(depth + 1);
            if (!error && !take(')')) fail(at_, "expected \")\"");
            return names;
        }
        const bool group = take('@');
        const auto parts = read_pattern();
        if (error) return {};
        if (at_ == begin + (group ? 1 : 0))
            return fail(at_, at_ < text_.size() ? fmt::format("expected a {} name, found \"{}\"", group ? "group's" : "node's", text_[at_])
                                                : fmt::format("expected a {} name", group ? "group's" : "node's")),
                   Names{};
        auto names = product(parts, begin);
        return group ? members(names, begin) : names;
    }

    std::vector<Part> read_pattern() {
        std::vector<Part> parts(1);
        while (!error && at_ < text_.size() && !at_any(operators) && !at_any(spaces) && !at_any("()]")) {
            if (text_[at_] == '@' && (parts.size() > 1 || !parts[0].text.empty()))
                return fail(at_, "expected an operator before @"), parts;
            if (take('[')) {
                parts.back().ranges = read_ranges();
                parts.emplace_back();
            } else {
                parts.back().text += text_[at_++];
            }
        }
        return parts;
    }

    std::vector<Range> read_ranges() {
        std::vector<Range> ranges;
        do {
            skip_spaces();
            ranges.push_back(read_range());
            skip_spaces();
        } while (!error && take(','));
        if (!error && !take(']')) fail(at_, "expected \"]\"");
        return ranges;
    }

    Range read_range() {
        const auto begin = at_;
        const auto first = read_number();
        const auto digits = at_ - begin;
        Range range{first, first, 1, digits > 1 && text_[begin] == '0' ? digits : 1};
        if (take('-')) {
            const auto second = at_;
            range.last = read_number();
            // `[1-05]` and `[01-005]` would leave open how `2` is written.
            if (!error && text_[second] == '0' && at_ - second > 1 && at_ - second != digits)
                fail(second, "the ends of a range are padded differently");
            if (!error && range.last < range.first) fail(begin, fmt::format("the range {} runs backwards", text_.substr(begin, at_ - begin)));
        }
        if (take('/')) {
            const auto step = at_;
            range.step = read_number();
            if (!error && range.step == 0) fail(step, "a step of 0 never ends");
        }
        if (error) return {0, 0, 1, 1};
        return range;
    }

    std::uint64_t read_number() {
        const auto begin = at_;
        std::uint64_t value = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            if (at_ - begin == 18) return fail(begin, "the number has more than 18 digits"), 0;
            value = value * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
        }
        if (at_ == begin) fail(at_, "expected a number");
        return value;
    }

    /// Counts towards the bound; false when it is reached.
    bool afford(std::size_t count, std::size_t at) {
        work_ += std::min(count, work_most + 1);
        if (work_ > work_most) fail(at, fmt::format("more than {} nodes", limits::nodeset_nodes));
        return !error;
    }

    Names product(const std::vector<Part>& parts, std::size_t at) {
        std::size_t size = 1;
        for (const auto& part : parts) size = std::min(size, work_most + 1) * std::min(part.size(), work_most + 1);
        if (size > limits::nodeset_nodes) size = work_most + 1;
        if (!afford(size, at)) return {};
        Names names;
        names.reserve(size);
        std::string name;
        spell(parts, 0, name, names);
        return names;
    }

    static void spell(const std::vector<Part>& parts, std::size_t i, std::string& name, Names& names) {
        if (i == parts.size()) {
            names.insert(name);
            return;
        }
        const auto before = name.size();
        name += parts[i].text;
        const auto stem = name.size();
        for (const auto& range : parts[i].ranges)
            for (std::size_t n = 0, count = range.size(); n < count; ++n) {
                name.resize(stem);
                const auto digits = std::to_string(range.first + n * range.step);
                if (digits.size() < range.width) name.append(range.width - digits.size(), '0');
                name += digits;
                spell(parts, i + 1, name, names);
            }
        if (parts[i].ranges.empty()) spell(parts, i + 1, name, names);
        name.resize(before);
    }

    Names members(const Names& groups, std::size_t at) {
        Names names;
        for (const auto& group : groups) {
            auto found = lookup_ ? lookup_(group) : std::nullopt;
            if (!found) {
                const bool special = group.find(':') != group.npos || group == "*";
                return fail(at, fmt::format("unknown {} @{}{}", special ? "term" : "group", group,
                                            special ? std::string{} : did_you_mean(group, group_names_)),
                            Errc::not_found),
                       Names{};
            }
            if (!afford(found->size(), at)) return {};
            for (auto& name : *found) names.insert(std::move(name));
        }
        return names;
    }

    std::string_view text_;
    const GroupLookup& lookup_;
    std::span<const std::string> group_names_;
    std::size_t at_ = 0, work_ = 0;
};

} // namespace

Result<std::vector<std::string>> expand_nodeset(std::string_view expression, const GroupLookup& lookup,
                                                std::span<const std::string> group_names) {
    if (expression.size() > limits::nodeset_expression_bytes)
        return usage_error(fmt::format("the expression is longer than {} bytes", limits::nodeset_expression_bytes));
    Parser parser(expression, lookup, group_names);
    auto set = parser.read();
    if (parser.error) return *parser.error;
    if (set.size() > limits::nodeset_nodes) return usage_error(fmt::format("more than {} nodes", limits::nodeset_nodes));
    std::vector<std::string> names;
    names.reserve(set.size());
    while (!set.empty()) names.push_back(std::move(set.extract(set.begin()).value()));
    std::ranges::sort(names, natural_less);
    return names;
}

} // namespace loom
