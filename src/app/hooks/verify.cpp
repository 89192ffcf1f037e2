#include "app/hooks/verify.hpp"

#include "core/base/base64.hpp"
#include "core/base/digest.hpp"
#include "core/base/hmac.hpp"

#include <boost/beast/core/string.hpp>
#include <charconv>

namespace loom {
namespace {

std::string hex_mac(const Secret& secret, std::string_view body) {
    const auto mac = hmac_sha256(secret.reveal(), body);
    return hex({reinterpret_cast<const unsigned char*>(mac.data()), mac.size()});
}

bool within_window(std::string_view timestamp, Milliseconds window, Instant now) {
    long long seconds = 0;
    const auto* end = timestamp.data() + timestamp.size();
    const auto [rest, ec] = std::from_chars(timestamp.data(), end, seconds);
    // As far as a year 9999, so that no sum overflows.
    if (ec != std::errc() || rest != end || timestamp.empty() || seconds < 0 || seconds > 253'402'300'799) return false;
    const auto apart = now - Instant(std::chrono::seconds(seconds));
    return apart <= window && apart >= -window;
}

/// The header is a list of signatures between blanks, each with its version: one that replaces another stands beside it.
bool standard_verified(const Hook& hook, const HookDelivery& delivery, const Secret& secret, Instant now) {
    const auto id = delivery.header("webhook-id");
    const auto timestamp = delivery.header("webhook-timestamp");
    auto signatures = delivery.header("webhook-signature").value_or("");
    // A dot in the id could be moved into the body: the same code would sign another delivery.
    if (!id || id->empty() || id->find('.') != std::string_view::npos) return false;
    if (!timestamp || !within_window(*timestamp, hook.window, now)) return false;
    const auto good = standard_signature(secret, *id, *timestamp, delivery.body);
    bool found = false;
    while (!signatures.empty()) {
        const auto one = signatures.substr(0, signatures.find(' '));
        found |= equal_in_constant_time(one, good);
        signatures.remove_prefix(std::min(one.size() + 1, signatures.size()));
    }
    return found;
}

bool bearer_verified(const HookDelivery& delivery, const Secret& secret) {
    constexpr std::string_view scheme = "bearer ";
    const auto value = delivery.header("Authorization").value_or("");
    if (!boost::beast::iequals(value.substr(0, scheme.size()), scheme)) return false;
    auto token = value.substr(scheme.size());
    token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
    return equal_in_constant_time(token, secret.reveal());
}

bool verified_by(const Hook& hook, const HookDelivery& delivery, const Secret& secret, Instant now) {
    const auto equals = [&](std::string_view header, const std::string& good) {
        return equal_in_constant_time(delivery.header(header).value_or(""), good);
    };
    if (secret.empty()) return false;
    switch (hook.scheme) {
    case HookScheme::github: return equals("X-Hub-Signature-256", github_signature(secret, delivery.body));
    case HookScheme::gitea: return equals("X-Gitea-Signature", gitea_signature(secret, delivery.body));
    case HookScheme::gitlab: return equals("X-Gitlab-Token", secret.reveal());
    case HookScheme::standard: return standard_verified(hook, delivery, secret, now);
    case HookScheme::bearer: return bearer_verified(delivery, secret);
    }
    return false;
}

} // namespace

std::optional<std::string_view> HookDelivery::header(std::string_view name) const {
    std::optional<std::string_view> found;
    for (const auto& [key, value] : headers) {
        if (!boost::beast::iequals(key, name)) continue;
        if (found) return std::nullopt;
        found = value;
    }
    return found;
}

std::string github_signature(const Secret& secret, std::string_view body) { return "sha256=" + hex_mac(secret, body); }

std::string gitea_signature(const Secret& secret, std::string_view body) { return hex_mac(secret, body); }

std::string standard_signature(const Secret& secret, std::string_view id, std::string_view timestamp, std::string_view body) {
    constexpr std::string_view prefix = "whsec_";
    std::string_view text = secret.reveal();
    std::optional<std::string> key;
    if (text.starts_with(prefix)) key = base64_decode(text.substr(prefix.size()));
    std::string content;
    content.reserve(id.size() + timestamp.size() + body.size() + 2);
    content.append(id).append(".").append(timestamp).append(".").append(body);
    return "v1," + base64_encode(hmac_sha256(key ? *key : text, content));
}

bool verified(const Hook& hook, const HookDelivery& delivery, Instant now) {
    bool good = false;
    for (const auto& secret : hook.secrets) good |= verified_by(hook, delivery, secret, now);
    return good;
}

std::vector<std::pair<std::string, std::string>> signed_headers(const Hook& hook, std::string_view body, std::string_view id, Instant now) {
    std::vector<std::pair<std::string, std::string>> headers;
    const auto add = [&](std::string_view name, std::string value) { headers.emplace_back(name, std::move(value)); };
    const auto name = delivery_header(hook);
    if (!name.empty()) add(name, std::string(id));
    if (hook.secrets.empty()) return headers;
    const auto& secret = hook.secrets.front();
    if (hook.scheme == HookScheme::github) add("X-Hub-Signature-256", github_signature(secret, body));
    if (hook.scheme == HookScheme::gitea) add("X-Gitea-Signature", gitea_signature(secret, body));
    if (hook.scheme != HookScheme::standard) return headers;
    const auto timestamp = std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
    add("webhook-timestamp", timestamp);
    add("webhook-signature", standard_signature(secret, id, timestamp, body));
    return headers;
}

std::string_view delivery_header(const Hook& hook) {
    if (!hook.delivery.empty()) return hook.delivery;
    switch (hook.scheme) {
    case HookScheme::github: return "X-GitHub-Delivery";
    case HookScheme::gitea: return "X-Gitea-Delivery";
    case HookScheme::gitlab: return "X-Gitlab-Event-UUID";
    case HookScheme::standard: return "webhook-id";
    case HookScheme::bearer: return "";
    }
    return "";
}

} // namespace loom
