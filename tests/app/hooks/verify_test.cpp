#include "hook_bench.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

const std::string github_code = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const std::string standard_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string standard_id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const std::string standard_code = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const std::string standard_body = R"({"test": 2432232314})";

HookDelivery standard_delivery(std::string signature, std::string timestamp = "1614265330") {
    return delivery_with(standard_body, {{"webhook-id", standard_id}, {"Webhook-Timestamp", std::move(timestamp)}, {"webhook-signature", std::move(signature)}});
}

} // namespace

TEST_CASE("a GitHub signature is the one of GitHub's documentation") {
    const auto hook = hook_of(HookScheme::github, {"It's a Secret to Everybody"});
    CHECK(github_signature(hook.secrets[0], "Hello, World!") == github_code);
    CHECK(verified(hook, delivery_with("Hello, World!", {{"x-hub-signature-256", github_code}}), hook_time));
    CHECK_FALSE(verified(hook, delivery_with("Hello, World?", {{"x-hub-signature-256", github_code}}), hook_time));
    CHECK_FALSE(verified(hook, delivery_with("Hello, World!", {{"X-Hub-Signature-256", github_code.substr(7)}}), hook_time));
    CHECK_FALSE(verified(hook, delivery_with("Hello, World!", {{"X-Hub-Signature", github_code}}), hook_time));
    CHECK_FALSE(verified(hook, delivery_with("Hello, World!", {}), hook_time));
    // Which of two would another reader take?
    CHECK_FALSE(verified(hook, delivery_with("Hello, World!", {{"X-Hub-Signature-256", github_code}, {"X-Hub-Signature-256", github_code}}), hook_time));
    CHECK_FALSE(verified(hook_of(HookScheme::github, {"another"}), delivery_with("Hello, World!", {{"X-Hub-Signature-256", github_code}}), hook_time));
}

TEST_CASE("one secret replaces another without a gap, and an empty one opens nothing") {
    const auto delivery = delivery_with("Hello, World!", {{"X-Hub-Signature-256", github_code}});
    CHECK(verified(hook_of(HookScheme::github, {"new", "It's a Secret to Everybody"}), delivery, hook_time));
    CHECK_FALSE(verified(hook_of(HookScheme::github, {}), delivery, hook_time));
    CHECK_FALSE(verified(hook_of(HookScheme::gitlab, {""}), delivery_with("", {}), hook_time));
    CHECK_FALSE(verified(hook_of(HookScheme::bearer, {""}), delivery_with("", {{"Authorization", "Bearer "}}), hook_time));
}

TEST_CASE("a Gitea signature is the bare code") {
    const auto hook = hook_of(HookScheme::gitea, {"It's a Secret to Everybody"});
    CHECK(verified(hook, delivery_with("Hello, World!", {{"X-Gitea-Signature", github_code.substr(7)}}), hook_time));
    CHECK_FALSE(verified(hook, delivery_with("Hello, World!", {{"X-Gitea-Signature", github_code}}), hook_time));
}

TEST_CASE("GitLab and bearer send the secret itself") {
    const auto gitlab = hook_of(HookScheme::gitlab, {"token"});
    CHECK(verified(gitlab, delivery_with("{}", {{"X-Gitlab-Token", "token"}}), hook_time));
    CHECK_FALSE(verified(gitlab, delivery_with("{}", {{"X-Gitlab-Token", "Token"}}), hook_time));
    const auto bearer = hook_of(HookScheme::bearer, {"token"});
    CHECK(verified(bearer, delivery_with("", {{"authorization", "bearer token"}}), hook_time));
    for (const std::string value : {"token", "Basic token", "Bearer", "Bearer token2", "Bearer toke"})
        CHECK_FALSE(verified(bearer, delivery_with("", {{"Authorization", value}}), hook_time));
}

TEST_CASE("a Standard Webhooks signature is the one of its specification") {
    const auto hook = hook_of(HookScheme::standard, {standard_secret});
    CHECK(standard_signature(hook.secrets[0], standard_id, "1614265330", standard_body) == standard_code);
    CHECK(verified(hook, standard_delivery(standard_code), hook_time));
    CHECK(verified(hook, standard_delivery("v1,bm9ldHUK " + standard_code + " v2,xyz"), hook_time));
    CHECK_FALSE(verified(hook, standard_delivery(standard_code.substr(3)), hook_time));
    CHECK_FALSE(verified(hook, standard_delivery("v1a," + standard_code.substr(3)), hook_time));
    CHECK_FALSE(verified(hook, standard_delivery(""), hook_time));
    // A secret without whsec_ is its bytes.
    const Secret plain("plain");
    const auto code = standard_signature(plain, standard_id, "1614265330", standard_body);
    CHECK(verified(hook_of(HookScheme::standard, {"plain"}), standard_delivery(code), hook_time));
}

TEST_CASE("a signed time counts within the window alone") {
    const auto hook = hook_of(HookScheme::standard, {standard_secret});
    CHECK(verified(hook, standard_delivery(standard_code), hook_time + std::chrono::minutes(5)));
    CHECK(verified(hook, standard_delivery(standard_code), hook_time - std::chrono::minutes(5)));
    CHECK_FALSE(verified(hook, standard_delivery(standard_code), hook_time + std::chrono::minutes(5) + Milliseconds(1)));
    CHECK_FALSE(verified(hook, standard_delivery(standard_code), hook_time - std::chrono::minutes(5) - Milliseconds(1)));
    for (const std::string odd : {"", "x", "1614265330x", "-1", "99999999999999999999999", "9223372036854775807", " 1614265330"}) {
        const auto code = standard_signature(hook.secrets[0], standard_id, odd, standard_body);
        CHECK_FALSE(verified(hook, standard_delivery(code, odd), hook_time));
    }
}

TEST_CASE("a code signs one id and one body, wherever their dots are") {
    const auto hook = hook_of(HookScheme::standard, {standard_secret});
    auto headers = signed_headers(hook, "b.1614265330.{}", "a", hook_time);
    CHECK(verified(hook, delivery_with("b.1614265330.{}", headers), hook_time));
    for (auto& [name, value] : headers) {
        if (name == "webhook-id") value = "a.1614265330.b";
        if (name == "webhook-timestamp") CHECK(value == "1614265330");
    }
    CHECK_FALSE(verified(hook, delivery_with("{}", headers), hook_time));
}

TEST_CASE("what is signed for a sender is verified") {
    for (const auto scheme : {HookScheme::github, HookScheme::gitea, HookScheme::standard}) {
        const auto hook = hook_of(scheme, {standard_secret});
        const auto delivery = delivery_with("{}", signed_headers(hook, "{}", "an-id", hook_time));
        CHECK(verified(hook, delivery, hook_time));
        CHECK(delivery.header(delivery_header(hook)) == "an-id");
    }
    for (const auto scheme : {HookScheme::gitlab, HookScheme::bearer})
        for (const auto& [name, value] : signed_headers(hook_of(scheme, {"token"}), "{}", "an-id", hook_time)) CHECK(value != "token");
}
