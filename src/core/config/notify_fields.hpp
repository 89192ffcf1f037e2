#pragma once
#include "core/config/hook_fields.hpp"
#include "core/model/notify.hpp"

namespace loom {

/// An entry of loom.yaml's `notify`.
struct NotifyDraft {
    NotifyRule rule;
    std::string home;
    Mark mark;
    int kinds = 0; ///< how many ways to tell were named
    std::optional<SecretDraft> url, secret;
    std::optional<Mark> still_terms; ///< `every` or `after`
};

/// `notify: {NAME: {on: […], jobs: PATTERN, slack: {url: …}}}`.
void read_notify(const YamlNode& node, const std::string& home, std::vector<NotifyDraft>& drafts, Faults& faults);

/// The rule with its secrets.
NotifyRule resolve_notify(NotifyDraft& draft, const ReadSecret& read_secret, Faults& faults);

/// What is wrong with a URL that notifications go to; empty: nothing. It must be http or https, without a user and a fragment. Pure; the words
/// show no part of it.
std::string url_fault(const std::string& url);

} // namespace loom
