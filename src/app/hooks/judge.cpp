#include "app/hooks/judge.hpp"

#include "app/hooks/verify.hpp"
#include "app/http/parameters.hpp"
#include "core/base/limits.hpp"
#include "core/base/utf8.hpp"
#include "core/model/hook_value.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/json/parse.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

using Value = boost::json::value;

/// A form's body carries the JSON in its field `payload`, as GitHub's and Gitea's older hooks do. (curl calls any body a form.)
Result<std::string> json_text(const HookDelivery& delivery) {
    if (!delivery.body.starts_with("payload=")) return delivery.body;
    const auto body = boost::replace_all_copy(delivery.body, "+", "%20");
    auto fields = parse_query(body);
    if (!fields) return usage_error("the payload is no form: " + fields.error().message);
    return std::move(fields->at("payload"));
}

Result<Value> read_payload(const HookDelivery& delivery) {
    const auto text = json_text(delivery);
    if (!text) return text.error();
    boost::json::parse_options options;
    options.max_depth = limits::hook_payload_depth;
    boost::system::error_code ec;
    auto value = boost::json::parse(*text, ec, {}, options);
    if (ec) return usage_error("the payload is not JSON: " + ec.message());
    return value;
}

bool reads_payload(const Hook& hook) {
    const auto in_payload = [](const auto& one) { return one.field.in == HookField::In::payload; };
    return std::ranges::any_of(hook.filter, in_payload) || std::ranges::any_of(hook.parameters, in_payload);
}

/// What stands there; nothing: no such place, or null.
std::optional<Value> value_at(const HookField& field, const HookDelivery& delivery, const Value& payload) {
    if (field.in == HookField::In::header) {
        const auto text = delivery.header(field.name);
        if (!text || valid_utf8(*text) != *text) return std::nullopt;
        return Value(*text);
    }
    boost::system::error_code ec;
    const auto* found = payload.find_pointer(field.name, ec);
    if (!found || found->is_null()) return std::nullopt;
    return *found;
}

/// Why the condition is not met.
std::optional<std::string> unmet(const HookCondition& condition, const HookDelivery& delivery, const Value& payload) {
    const auto value = value_at(condition.field, delivery, payload);
    const auto text = value ? text_of(*value) : std::nullopt;
    const auto expected = condition.matches ? condition.matches->text() : fmt::format("{}", fmt::join(condition.is, " or "));
    if (!text) return fmt::format("{} has no value, expected {}", condition.field.text(), expected);
    const bool met = condition.matches ? condition.matches->matches(*text) : std::ranges::find(condition.is, *text) != condition.is.end();
    if (met) return std::nullopt;
    return fmt::format("{} is {}, expected {}", condition.field.text(), shown(*text), expected);
}

Result<boost::json::object> parameters_of(const Hook& hook, const HookDelivery& delivery, const Value& payload) {
    boost::json::object params;
    for (const auto& parameter : hook.parameters) {
        const auto value = value_at(parameter.field, delivery, payload);
        if (!value && parameter.standard) {
            params[parameter.name] = *parameter.standard;
            continue;
        }
        if (!value) return usage_error(fmt::format("parameter \"{}\": {} has no value", parameter.name, parameter.field.text()));
        auto good = fit(parameter, *value);
        if (!good) return usage_error(fmt::format("parameter \"{}\": {}: {}", parameter.name, parameter.field.text(), good.error().message));
        params[parameter.name] = std::move(*good);
    }
    return params;
}

/// Empty: the delivery has none, and need not.
Result<std::string> id_of(const Hook& hook, const HookDelivery& delivery) {
    const auto name = delivery_header(hook);
    if (name.empty()) return std::string();
    const auto id = delivery.header(name).value_or("");
    // GitLab names its events since version 16.
    if (id.empty() && hook.scheme == HookScheme::gitlab && hook.delivery.empty()) return std::string();
    if (id.empty()) return usage_error(fmt::format("header {} is missing: it names the delivery", name));
    const auto odd = [](char c) { return c < 0x21 || c > 0x7e; };
    if (id.size() > limits::delivery_id_bytes || std::ranges::any_of(id, odd))
        return usage_error(fmt::format("header {}: expected at most {} letters, digits and marks", name, limits::delivery_id_bytes));
    return std::string(id);
}

HookVerdict verdict(HookVerdict::Kind kind, std::string why) {
    HookVerdict made;
    made.kind = kind;
    made.why = std::move(why);
    return made;
}

} // namespace

bool is_traceparent(std::string_view text) {
    constexpr std::string_view form = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    if (text.size() != form.size() || !text.starts_with("00-")) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (form[i] == 'x' ? !digit : text[i] != form[i]) return false;
    }
    constexpr auto npos = std::string_view::npos;
    return text.substr(3, 32).find_first_not_of('0') != npos && text.substr(36, 16).find_first_not_of('0') != npos;
}

HookVerdict judge(const Hook& hook, const HookDelivery& delivery, Instant now) {
    if (!verified(hook, delivery, now)) return verdict(HookVerdict::Kind::denied, "the delivery is not signed as this hook expects");
    return judge_verified(hook, delivery);
}

HookVerdict judge_verified(const Hook& hook, const HookDelivery& delivery) {
    using Kind = HookVerdict::Kind;
    // What GitHub sends to see whether somebody is there.
    if (hook.scheme == HookScheme::github && delivery.header("X-GitHub-Event") == "ping") return verdict(Kind::left_out, "it is a ping");
    Value payload;
    if (reads_payload(hook)) {
        auto read = read_payload(delivery);
        if (!read) return verdict(Kind::refused, read.error().message);
        payload = std::move(*read);
    }
    for (const auto& condition : hook.filter)
        if (auto why = unmet(condition, delivery, payload)) return verdict(Kind::left_out, std::move(*why));
    auto params = parameters_of(hook, delivery, payload);
    if (!params) return verdict(Kind::refused, params.error().message);
    auto id = id_of(hook, delivery);
    if (!id) return verdict(Kind::refused, id.error().message);
    auto made = verdict(Kind::start, "");
    made.start.hook = hook.name;
    made.start.job = hook.job;
    made.start.delivery = std::move(*id);
    made.start.params = std::move(*params);
    if (const auto trace = delivery.header("traceparent"); trace && is_traceparent(*trace)) made.start.trace = *trace;
    return made;
}

Result<HookDelivery> tried_delivery(const std::vector<std::string>& headers, std::string body) {
    HookDelivery delivery;
    for (const auto& header : headers) {
        const auto colon = header.find(':');
        if (colon == std::string::npos || colon == 0) return usage_error("--header: expected NAME: VALUE, not \"" + header + "\"");
        const auto value = header.find_first_not_of(" \t", colon + 1);
        delivery.headers.emplace_back(header.substr(0, colon), value == std::string::npos ? "" : header.substr(value));
    }
    delivery.body = std::move(body);
    return delivery;
}

} // namespace loom
