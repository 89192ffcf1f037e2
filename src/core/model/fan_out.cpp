#include "core/model/fan_out.hpp"

#include <algorithm>

namespace loom {
namespace {

constexpr std::int64_t one = 1000;
constexpr std::size_t count_digits_most = 9; ///< far above any fleet, far below an overflow
constexpr std::size_t decimals_most = 3;

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// Digits with at most three decimals, in thousandths.
std::optional<std::int64_t> parse_number(std::string_view text) {
    const auto dot = text.find('.');
    const auto whole = text.substr(0, dot);
    const auto decimals = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
    if (whole.empty() || whole.size() > count_digits_most || decimals.size() > decimals_most) return std::nullopt;
    if (dot != std::string_view::npos && decimals.empty()) return std::nullopt;
    std::string digits(whole);
    digits += decimals;
    digits.append(decimals_most - decimals.size(), '0');
    std::int64_t number = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    return number;
}

} // namespace

Result<Amount> parse_amount(std::string_view text) {
    const auto wrong = [&] {
        return Error{Errc::config, "expected a count such as 10 or a share such as 10%, not \"" + std::string(text) + "\""};
    };
    auto rest = trim(text);
    Amount amount;
    amount.percent = rest.ends_with('%');
    if (amount.percent) rest = trim(rest.substr(0, rest.size() - 1));
    const auto number = parse_number(rest);
    if (!number) return wrong();
    if (amount.percent && *number > 100 * one) return Error{Errc::config, "a share is at most 100%"};
    if (!amount.percent && *number % one != 0) return wrong();
    amount.thousandths = *number;
    return amount;
}

Result<Threshold> parse_threshold(std::string_view text) {
    auto rest = trim(text);
    if (!rest.starts_with('>'))
        return Error{Errc::config,
                     "expected > or >= and a count or share, such as \">5%\", not \"" + std::string(text) + "\""};
    rest.remove_prefix(1);
    Threshold threshold;
    threshold.inclusive = rest.starts_with('=');
    if (threshold.inclusive) rest.remove_prefix(1);
    auto amount = parse_amount(rest);
    if (!amount) return amount.error();
    threshold.amount = *amount;
    threshold.text = (threshold.inclusive ? ">=" : ">") + std::string(trim(rest));
    return threshold;
}

std::size_t nodes_of(const Amount& amount, std::size_t whole) {
    const auto unit = static_cast<std::size_t>(amount.percent ? 100 * one : one);
    const auto times = static_cast<std::size_t>(amount.thousandths) * (amount.percent ? whole : 1);
    return std::min(whole, (times + unit - 1) / unit);
}

bool passes(const Threshold& threshold, std::size_t count, std::size_t whole) {
    const auto left = static_cast<std::int64_t>(count) * one * (threshold.amount.percent ? 100 : 1);
    const auto right = threshold.amount.thousandths * (threshold.amount.percent ? static_cast<std::int64_t>(whole) : 1);
    return threshold.inclusive ? left >= right : left > right;
}

} // namespace loom
