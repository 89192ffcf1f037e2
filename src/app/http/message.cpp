#include "app/http/message.hpp"

#include "app/http/problem.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/status.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {

std::string_view HttpRequest::field(std::string_view name) const {
    for (const auto& [key, value] : fields)
        if (boost::beast::iequals(key, name)) return value;
    return {};
}

HttpResponse problem_response(unsigned status, Errc code, std::string_view detail) {
    return {status, std::string(problem_type), problem_body(status, code, detail)};
}

std::string head_of(const HttpResponse& response, bool keep_alive) {
    namespace http = boost::beast::http;
    const std::string reason(http::obsolete_reason(static_cast<http::status>(response.status)));
    auto head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason);
    if (!response.type.empty()) head += fmt::format("Content-Type: {}\r\n", response.type);
    // 304 speaks of a body that does not follow (RFC 9110, 8.6).
    if (response.status != 304) head += fmt::format("Content-Length: {}\r\n", response.body.size());
    bool cached = false;
    for (const auto& [name, value] : response.fields) {
        head += fmt::format("{}: {}\r\n", name, value);
        cached = cached || name == "Cache-Control";
    }
    if (!cached) head += "Cache-Control: no-store\r\n";
    head += "X-Content-Type-Options: nosniff\r\n";
    if (!keep_alive) head += "Connection: close\r\n";
    return head + "\r\n";
}

} // namespace loom
