#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace loom {

/// Why a request is refused before anything acts on it.
struct Rejection {
    unsigned status = 400;
    std::string message;
};

/// Looks at a raw request head, up to and with its empty line, before Beast parses it: Beast 1.81 takes requests that
/// another server may read differently, which is what request smuggling lives on. Allowed are (RFC 9112) lines ended
/// by CRLF, `METHOD SP target SP HTTP/1.0|1.1`, at most limits::http_headers fields without folding, exactly one Host,
/// at most one Content-Length of digits only, Transfer-Encoding only as exactly `chunked`, alone and not with
/// HTTP/1.0, and a target in origin form that is already normal. Pure.
std::optional<Rejection> check_request_head(std::string_view head);

/// The target's part of it: begins with `/`, at most limits::http_target_bytes, visible ASCII, well-formed percent
/// escapes, no `//`, no dot segments, no escaped `/`, `\`, `.` or control character in the path, no fragment.
std::optional<Rejection> check_target(std::string_view target);

} // namespace loom
