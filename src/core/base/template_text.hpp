#pragma once
#include "core/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// A piece of a text with placeholders: literal text, or the dotted name between the braces.
struct TemplatePart {
    std::string_view text; ///< a view into the parsed text
    bool placeholder = false;
    bool quote = false; ///< `| quote` was asked for
};

/// Splits `{{ root.name | quote }}` from literal text. Only braces that begin with one of the roots run, node and
/// job are placeholders: others (Go templates, shell, Jinja) stay literal. An Errc::usage error names a placeholder
/// that can have no value, so that a manifest is refused when it is loaded and not when it fires.
Result<std::vector<TemplatePart>> parse_template(std::string_view text);

/// Whether any of the text's braces mean something to Loom: a placeholder, or what begins like one and is none.
bool has_placeholder(std::string_view text);

} // namespace loom
