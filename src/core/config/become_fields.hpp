#pragma once
#include "core/config/reading.hpp"
#include "core/model/become.hpp"

#include <boost/json/object.hpp>
#include <optional>

namespace loom {

/// `{file: …}`, `{env: …}` or `{command: […]}`, as ConfigTexts::read_secret takes it.
std::optional<boost::json::object> secret_source(const YamlNode& node, const std::string& home, Faults& faults);

/// A `become:` map as it is read: the password is in it, or where it is to be read from.
struct BecomeDraft {
    std::string home;
    Become become;
    std::optional<boost::json::object> password_source;
    std::optional<Mark> password; ///< where the password stands
};

/// `{user: NAME, password: SECRET, method: sudo}`, each of them optional.
void read_become_map(const YamlNode& node, BecomeDraft& draft, Faults& faults);

/// Reads what the draft only names, by ConfigTexts::read_secret.
void resolve_become(BecomeDraft& draft, const std::function<Result<Secret>(const boost::json::object&)>& read_secret,
                    Faults& faults);

} // namespace loom
