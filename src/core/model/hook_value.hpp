#pragma once
#include "core/base/error.hpp"
#include "core/model/hook.hpp"

namespace loom {

/// The value as the parameter's type has it: an int and a bool may be text (a header is). Errc::usage says why it does not fit, and
/// shows no more of it than a line. A text that nobody gave a pattern begins with no dash: it is not taken for an option. Pure.
Result<boost::json::value> fit(const HookParameter& parameter, const boost::json::value& value);

/// A string as it is, a number or a flag as JSON writes it; nothing for null, lists and maps.
std::optional<std::string> text_of(const boost::json::value& value);

/// `"refs/heads/main"`, cut where it is long: of any bytes one line.
std::string shown(std::string_view value);

} // namespace loom
