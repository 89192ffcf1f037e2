#pragma once
#include "core/config/reading.hpp"
#include "core/model/catalog.hpp"

#include <boost/json/object.hpp>
#include <functional>

namespace loom {

/// A secret as it is read: itself, or where it is to be read from.
struct SecretDraft {
    Secret value;
    std::optional<boost::json::object> source;
    Mark mark;
};

/// An entry of loom.yaml's `hooks`.
struct HookDraft {
    Hook hook;
    std::string home;
    Mark mark, job;
    std::vector<SecretDraft> secrets;
    bool has_verify = false;
    std::optional<Mark> window, delivery;
};

/// One secret: text, `{file: …}`, `{env: …}` or `{command: […]}`.
bool read_secret_draft(const YamlNode& node, const std::string& home, SecretDraft& into, Faults& faults);

using ReadSecret = std::function<Result<Secret>(const boost::json::object&)>;
/// The secret itself; a fault, named by `key`, where it cannot be read or is empty.
Secret resolve_secret(const SecretDraft& draft, const ReadSecret& read_secret, std::string_view key, Faults& faults);

/// `hooks: {NAME: {job: …, verify: …, secret: …}}`.
void read_hooks(const YamlNode& node, const std::string& home, std::vector<HookDraft>& drafts, Faults& faults);

/// The hook with its secrets.
Hook resolve_hook(HookDraft& draft, const ReadSecret& read_secret, Faults& faults);

/// What a hook and its job do not agree about: the job is not there, or needs a parameter that the hook does not give. Pure.
std::optional<std::string> mismatch(const Catalog& catalog, const Hook& hook);

} // namespace loom
