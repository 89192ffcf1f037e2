#pragma once
#include "core/base/duration.hpp"
#include "core/base/pattern.hpp"
#include "core/base/secret.hpp"

#include <boost/json/value.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// How a delivery proves where it comes from.
enum class HookScheme : std::uint8_t {
    github,   ///< X-Hub-Signature-256
    gitea,    ///< X-Gitea-Signature; Forgejo sends it too
    gitlab,   ///< X-Gitlab-Token
    standard, ///< Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature
    bearer,   ///< Authorization: Bearer
};

std::string_view to_string(HookScheme scheme);

/// A place in a delivery: a header's name, or a JSON pointer (RFC 6901) into the payload.
struct HookField {
    enum class In : std::uint8_t { header, payload };
    In in = In::payload;
    std::string name;

    /// `header X-GitHub-Event`, `payload /ref`
    std::string text() const;
};

/// What a delivery must say, or it starts nothing.
struct HookCondition {
    HookField field;
    std::vector<std::string> is;     ///< one of these; empty: `matches` decides
    std::optional<Pattern> matches;
};

/// A value that a delivery gives to the job's task, as `{{ params.NAME }}`.
struct HookParameter {
    enum class Type : std::uint8_t { text, integer, flag, choice };
    std::string name;
    HookField field;
    Type type = Type::text;
    std::optional<Pattern> pattern;     ///< of a text
    std::vector<std::string> choices;   ///< of a choice
    std::optional<std::int64_t> least, most; ///< of an integer
    std::optional<boost::json::value> standard; ///< where the delivery has none; without: it must have one
};

/// `/hooks/NAME`: what starts a job from outside.
struct Hook {
    std::string name, job;
    HookScheme scheme = HookScheme::github;
    std::vector<Secret> secrets;     ///< any of them will do: one replaces another without a gap
    std::string secret_hint;         ///< shell text that gives the first one to a person who may read it: `$(cat FILE)`
    Milliseconds window = std::chrono::minutes(5); ///< of `standard`: how far its time may be from ours
    std::string delivery;            ///< the header with the delivery's id; empty: the scheme's own
    std::vector<HookCondition> filter; ///< all of them
    std::vector<HookParameter> parameters;
    std::string place; ///< `loom.yaml:12:3`
};

} // namespace loom
