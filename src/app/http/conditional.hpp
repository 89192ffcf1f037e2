#pragma once
#include "app/http/message.hpp"

#include <optional>

namespace loom {

/// A reply with an ETag of its body; 304 in its place where the client has that one (RFC 9110, 13.1.2). Pure.
HttpResponse unless_known(HttpResponse response, std::string_view if_none_match);

/// What a request says itself by, with whose it is and what it asks for; nothing without an `Idempotency-Key` (a token of its
/// caller's making, at most 255 bytes). Pure.
struct RequestKey {
    std::string key, digest;
};
std::optional<RequestKey> request_key(const HttpRequest& request, std::string_view caller);

/// The client's own id of its request where that is short and plain, else a new one.
std::string request_id(std::string_view given);

} // namespace loom
