#pragma once
#include "app/hooks/judge.hpp"
#include "app/hooks/verify.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

namespace loom::tests {

inline const Instant hook_time{std::chrono::seconds(1'614'265'330)};

inline Hook hook_of(HookScheme scheme, std::vector<std::string> secrets) {
    Hook hook;
    hook.name = hook.job = "deploy";
    hook.scheme = scheme;
    for (auto& secret : secrets) hook.secrets.emplace_back(std::move(secret));
    return hook;
}

/// The hook `deploy` as loom.yaml has it below its `secret`.
inline Hook configured_hook(const std::string& rest, const std::string& scheme = "github") {
    auto texts = catalog_texts("jobs:\n  deploy: {command: 'true', targets: web1}\n");
    texts.settings.text += "hooks:\n  deploy:\n    job: deploy\n    verify: " + scheme + "\n    secret: s\n" + rest;
    const auto catalog = build_catalog(texts);
    INFO((catalog ? std::string() : catalog.error().message));
    REQUIRE(catalog.has_value());
    return (*catalog)->hooks.at(0);
}

inline HookDelivery delivery_with(std::string body, std::vector<std::pair<std::string, std::string>> headers) {
    HookDelivery delivery;
    delivery.body = std::move(body);
    delivery.headers = std::move(headers);
    return delivery;
}

} // namespace loom::tests
