#pragma once
#include "app/hooks/delivery.hpp"
#include "core/model/hook.hpp"
#include "core/time/instant.hpp"

#include <span>

namespace loom {

// Whether a delivery comes from who knows the secret. All of it is pure, looks at the raw bytes before anything parses them, and
// compares in constant time.

/// `sha256=HEX` of the body, as GitHub signs: X-Hub-Signature-256.
std::string github_signature(const Secret& secret, std::string_view body);
/// HEX of the body, as Gitea and Forgejo sign: X-Gitea-Signature.
std::string gitea_signature(const Secret& secret, std::string_view body);
/// `v1,BASE64` of `ID.TIMESTAMP.BODY` (Standard Webhooks): webhook-signature. The key of a secret `whsec_BASE64` is what that decodes
/// to, of any other its bytes.
std::string standard_signature(const Secret& secret, std::string_view id, std::string_view timestamp, std::string_view body);

/// Whether any of the hook's secrets has signed the delivery, within the hook's window where the scheme signs a time.
bool verified(const Hook& hook, const HookDelivery& delivery, Instant now);

/// What a sender adds to this body, with the hook's first secret. Of gitlab and bearer that is the secret itself: it is left out.
std::vector<std::pair<std::string, std::string>> signed_headers(const Hook& hook, std::string_view body, std::string_view id, Instant now);

/// The header that names the delivery; empty: the hook's scheme has none.
std::string_view delivery_header(const Hook& hook);

} // namespace loom
