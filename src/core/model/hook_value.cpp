#include "core/model/hook_value.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

using Value = boost::json::value;
using Type = HookParameter::Type;

constexpr std::size_t shown_bytes = 100;

bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Error unfit(const Value& value, std::string_view expected) {
    const auto text = text_of(value);
    return usage_error(fmt::format("expected {}, not {}", expected,
                                   text ? shown(*text) : value.is_null() ? "null" : value.is_array() ? "a list" : "a map"));
}

Result<Value> fit_text(const HookParameter& parameter, const Value& value) {
    const auto* text = value.if_string();
    if (!text) return unfit(value, "text");
    const std::string_view bytes(*text);
    if (bytes.size() > limits::hook_value_bytes) return usage_error(fmt::format("more than {} bytes", limits::hook_value_bytes));
    if (std::ranges::any_of(bytes, control)) return unfit(value, "text without control characters");
    if (parameter.pattern && !parameter.pattern->matches(bytes)) return unfit(value, "text that matches " + parameter.pattern->text());
    if (!parameter.pattern && bytes.starts_with('-')) return unfit(value, "text that begins with no dash");
    return Value(bytes);
}

std::optional<std::int64_t> number_of(const Value& value) {
    if (const auto* number = value.if_int64()) return *number;
    const auto* text = value.if_string();
    std::int64_t number = 0;
    if (!text || text->empty()) return std::nullopt;
    const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (ec != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return number;
}

Result<Value> fit_integer(const HookParameter& parameter, const Value& value) {
    const auto number = number_of(value);
    if (!number) return unfit(value, "a whole number");
    if (parameter.least && *number < *parameter.least) return unfit(value, fmt::format("at least {}", *parameter.least));
    if (parameter.most && *number > *parameter.most) return unfit(value, fmt::format("at most {}", *parameter.most));
    return Value(*number);
}

} // namespace

std::optional<std::string> text_of(const Value& value) {
    if (const auto* text = value.if_string()) return std::string(*text);
    if (value.is_null() || value.is_array() || value.is_object()) return std::nullopt;
    return boost::json::serialize(value);
}

std::string shown(std::string_view value) {
    auto end = std::min(value.size(), shown_bytes);
    while (end > 0 && end < value.size() && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end; // no half of a character
    std::string text(value.substr(0, end));
    std::ranges::replace_if(text, control, '?');
    return fmt::format("\"{}{}\"", text, value.size() > shown_bytes ? "…" : "");
}

Result<Value> fit(const HookParameter& parameter, const Value& value) {
    if (parameter.type == Type::text) return fit_text(parameter, value);
    if (parameter.type == Type::integer) return fit_integer(parameter, value);
    const auto text = text_of(value);
    if (parameter.type == Type::flag) {
        if (text == "true" || text == "false") return Value(text == "true");
        return unfit(value, "true or false");
    }
    if (text && std::ranges::find(parameter.choices, *text) != parameter.choices.end()) return Value(*text);
    return unfit(value, fmt::format("one of {}", fmt::join(parameter.choices, ", ")));
}

} // namespace loom
