#pragma once
#include "core/base/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loom {

/// A request whose head has passed the checks, with its whole body.
struct HttpRequest {
    std::string method, path, query; ///< path and query still percent-encoded
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body; ///< the bytes as they came
    std::string id;   ///< its X-Request-Id, given or made
    bool keep_alive = false;

    /// The first field of this name, whatever its case; empty: there is none.
    std::string_view field(std::string_view name) const;
};

struct HttpResponse {
    unsigned status = 200;
    std::string type;
    std::string body;
    std::vector<std::pair<std::string, std::string>> fields = {}; ///< beside those that each reply has
};

/// A problem document (RFC 9457).
HttpResponse problem_response(unsigned status, Errc code, std::string_view detail);

/// The status line and the fields, with the empty line that ends them.
std::string head_of(const HttpResponse& response, bool keep_alive);

} // namespace loom
