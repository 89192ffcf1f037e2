#pragma once
#include "core/base/error.hpp"

#include <string>
#include <string_view>

namespace loom {

inline constexpr std::string_view problem_type = "application/problem+json";

/// The status that stands for a code.
unsigned http_status(Errc code);
/// A problem document (RFC 9457) with our own member `code`, the word for the Errc.
std::string problem_body(unsigned status, Errc code, std::string_view detail);
/// What the client makes of a reply that is not 2xx: the body's code and words where it is a problem document, else
/// what the status says.
Error problem_error(unsigned status, std::string_view body);

std::string_view to_string(Errc code);

} // namespace loom
