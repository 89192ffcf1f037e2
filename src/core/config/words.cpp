#include "core/config/words.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the text up to the closing quote; `at` stands behind the opening one.
bool take_quoted(std::string_view line, std::size_t& at, char quote, std::string& word) {
    for (; at < line.size(); ++at) {
        if (line[at] == quote) {
            ++at;
            return true;
        }
        const bool escaped = quote == '"' && line[at] == '\\' && at + 1 < line.size();
        if (escaped && (line[at + 1] == '"' || line[at + 1] == '\\')) ++at;
        word += line[at];
    }
    return false;
}

/// The alphabet of a letter range: Python's ascii_letters.
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

Result<std::vector<std::string>> parse_range(std::string_view text) {
    const auto wrong = [&](const char* why) { return usage_error(fmt::format("range [{}]: {}", text, why)); };
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(':', begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    if (parts.size() < 2 || parts.size() > 3) return wrong("expected [FIRST:LAST] or [FIRST:LAST:STEP]");
    const auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
        std::uint32_t value = 0;
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
        return value;
    };
    const auto first = parts[0].empty() ? std::string_view("0") : parts[0];
    const auto last = parts[1];
    const auto step = parts.size() == 3 ? number(parts[2]) : std::optional<std::uint32_t>(1);
    if (last.empty()) return wrong("its end is missing");
    if (!step || *step == 0) return wrong("the step is no number from 1 on");
    std::vector<std::string> range;
    const auto from = letters.find(first), to = letters.find(last);
    if (first.size() == 1 && last.size() == 1 && from != std::string_view::npos && to != std::string_view::npos) {
        if (from > to) return wrong("its end comes before its beginning");
        for (auto i = from; i <= to; i += *step) range.emplace_back(1, letters[i]);
        return range;
    }
    const auto low = number(first), high = number(last);
    if (!low || !high) return wrong("its ends are neither two numbers nor two letters");
    if (*low > *high) return wrong("its end comes before its beginning");
    const bool padded = first.size() > 1 && first[0] == '0';
    if (padded && first.size() != last.size()) return wrong("with zeros in front both ends have the same length");
    if ((*high - *low) / *step >= limits::nodeset_nodes) return wrong("too many names");
    for (std::uint64_t i = *low; i <= *high; i += *step)
        range.push_back(padded ? fmt::format("{:0{}}", i, first.size()) : fmt::format("{}", i));
    return range;
}

/// Reads one Python literal from the front of a text.
class LiteralReader {
public:
    explicit LiteralReader(std::string_view text) : text_(text) {}

    /// A comment may follow, as Python allows it.
    std::optional<boost::json::value> whole() {
        auto value = read(0);
        skip();
        if (!value || (at_ != text_.size() && text_[at_] != '#')) return std::nullopt;
        return value;
    }

private:
    using Value = std::optional<boost::json::value>;

    void skip() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }
    bool eat(char c) {
        skip();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool eat_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    Value read(std::size_t depth) {
        skip();
        if (depth > limits::yaml_depth || at_ >= text_.size()) return std::nullopt;
        const char c = text_[at_];
        if (c == '\'' || c == '"') return text();
        if (c == '[' || c == '(') return list(c == '[' ? ']' : ')', depth);
        if (c == '{') return map(depth);
        if (eat_word("True")) return boost::json::value(true);
        if (eat_word("False")) return boost::json::value(false);
        if (eat_word("None")) return boost::json::value(nullptr);
        return number();
    }

    Value text() {
        const char quote = text_[at_++];
        std::string value;
        while (at_ < text_.size() && text_[at_] != quote) {
            char c = text_[at_++];
            if (c == '\\' && at_ < text_.size()) {
                constexpr std::string_view names = "nrt\\'\"", meant = "\n\r\t\\'\"";
                const auto known = names.find(text_[at_]);
                if (known != std::string_view::npos) {
                    c = meant[known];
                    ++at_;
                }
            }
            value += c;
        }
        if (at_ >= text_.size()) return std::nullopt;
        ++at_;
        return boost::json::value(value);
    }

    Value list(char close, std::size_t depth) {
        ++at_;
        boost::json::array items;
        bool comma = true;
        while (!eat(close)) {
            if (!comma) return std::nullopt;
            auto item = read(depth + 1);
            if (!item) return std::nullopt;
            items.push_back(std::move(*item));
            comma = eat(',');
        }
        // (x) is x: only the comma makes a tuple.
        if (close == ')' && items.size() == 1 && !comma) return items[0];
        return boost::json::value(std::move(items));
    }

    Value map(std::size_t depth) {
        ++at_;
        boost::json::object items;
        bool comma = true;
        while (!eat('}')) {
            if (!comma) return std::nullopt;
            const auto key = read(depth + 1);
            if (!key || !key->is_string() || !eat(':')) return std::nullopt;
            auto value = read(depth + 1);
            if (!value) return std::nullopt;
            items[key->get_string()] = std::move(*value);
            comma = eat(',');
        }
        return boost::json::value(std::move(items));
    }

    /// Without underscores and without other bases than ten: those stay text.
    Value number() {
        auto digits = text_.substr(at_);
        digits = digits.substr(0, std::min(digits.find_first_not_of("+-.0123456789eE"), digits.size()));
        at_ += digits.size();
        const bool minus = digits.starts_with('-');
        if (minus || digits.starts_with('+')) digits.remove_prefix(1);
        if (digits.empty() || (!is_digit(digits[0]) && digits[0] != '.')) return std::nullopt;
        const auto* end = digits.data() + digits.size();
        const bool whole = std::all_of(digits.begin(), digits.end(), is_digit);
        // Python refuses 0644 as a number, so it is text: most such values are file modes.
        if (whole && digits.size() > 1 && digits[0] == '0') return std::nullopt;
        std::int64_t integer = 0;
        if (const auto [stop, ec] = std::from_chars(digits.data(), end, integer); ec == std::errc{} && stop == end)
            return boost::json::value(minus ? -integer : integer);
        double real = 0;
        if (const auto [stop, ec] = std::from_chars(digits.data(), end, real); !whole && ec == std::errc{} && stop == end)
            return boost::json::value(minus ? -real : real);
        return std::nullopt;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

} // namespace

Result<std::vector<std::string>> split_words(std::string_view line) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < line.size();) {
        if (is_space(line[at])) {
            ++at;
            continue;
        }
        if (line[at] == '#') break;
        auto& word = words.emplace_back();
        while (at < line.size() && !is_space(line[at]) && line[at] != '#') {
            const char c = line[at++];
            if (c == '\'' || c == '"') {
                if (!take_quoted(line, at, c, word)) return usage_error(fmt::format("the quote {} is not closed", c));
            } else if (c == '\\' && at < line.size()) {
                word += line[at++];
            } else {
                word += c;
            }
        }
    }
    return words;
}

std::optional<boost::json::value> python_literal(std::string_view text) { return LiteralReader(text).whole(); }

Result<std::vector<std::string>> expand_host_range(std::string_view pattern) {
    std::vector<std::string> names{""};
    while (!pattern.empty()) {
        const auto open = pattern.find('[');
        const auto close = open == std::string_view::npos ? open : pattern.find(']', open);
        const auto literal = pattern.substr(0, close == std::string_view::npos ? pattern.size() : open);
        for (auto& name : names) name += literal;
        if (close == std::string_view::npos) break;
        const auto range = parse_range(pattern.substr(open + 1, close - open - 1));
        if (!range) return range.error();
        if (names.size() * range->size() > limits::nodeset_nodes)
            return usage_error(fmt::format("more than {} names", limits::nodeset_nodes));
        std::vector<std::string> longer;
        longer.reserve(names.size() * range->size());
        for (const auto& name : names)
            for (const auto& item : *range) longer.push_back(name + item);
        names = std::move(longer);
        pattern.remove_prefix(close + 1);
    }
    return names;
}

} // namespace loom
