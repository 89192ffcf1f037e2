#include "core/model/hook.hpp"

namespace loom {

std::string_view to_string(HookScheme scheme) {
    switch (scheme) {
    case HookScheme::github: return "github";
    case HookScheme::gitea: return "gitea";
    case HookScheme::gitlab: return "gitlab";
    case HookScheme::standard: return "standard";
    case HookScheme::bearer: return "bearer";
    }
    return "";
}

std::string HookField::text() const { return (in == In::header ? "header " : "payload ") + name; }

} // namespace loom
