#include "app/http/conditional.hpp"

#include "core/base/digest.hpp"

#include <algorithm>
#include <chrono>

namespace loom {
namespace {

constexpr std::size_t id_bytes = 64;

} // namespace

HttpResponse unless_known(HttpResponse response, std::string_view if_none_match) {
    const auto tag = "\"" + sha256_hex(response.body).substr(0, 32) + "\"";
    response.fields.emplace_back("ETag", tag);
    response.fields.emplace_back("Cache-Control", "no-cache"); // kept, and asked for again each time
    bool known = if_none_match == "*";
    while (!known && !if_none_match.empty()) {
        auto one = if_none_match.substr(0, if_none_match.find(','));
        if_none_match.remove_prefix(std::min(one.size() + 1, if_none_match.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (one.starts_with("W/")) one.remove_prefix(2);
        known = one == tag;
    }
    if (!known) return response;
    response.status = 304;
    response.type.clear();
    response.body.clear();
    return response;
}

std::optional<RequestKey> request_key(const HttpRequest& request, std::string_view caller) {
    const auto given = request.field("Idempotency-Key");
    if (given.empty()) return std::nullopt;
    const std::string nul(1, '\0');
    RequestKey made;
    made.key = sha256_hex(std::string(caller) + nul + std::string(given));
    made.digest = sha256_hex(request.method + nul + request.path + nul + request.body);
    return made;
}

std::string request_id(std::string_view given) {
    const bool plain = std::ranges::all_of(given, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
    if (!given.empty() && given.size() <= id_bytes && plain) return std::string(given);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return uuid_v7(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

} // namespace loom
