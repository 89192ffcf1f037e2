#include "app/http/problem.hpp"

#include "core/base/utf8.hpp"

#include <array>
#include <boost/beast/http/status.hpp>
#include <boost/json.hpp>

namespace loom {
namespace {

struct Row {
    Errc code;
    std::string_view word;
    unsigned status;
};

constexpr std::array rows{
    Row{Errc::failed, "failed", 500},   Row{Errc::usage, "usage", 400},         Row{Errc::unavailable, "unavailable", 503},
    Row{Errc::denied, "denied", 403},   Row{Errc::not_found, "not_found", 404}, Row{Errc::config, "config", 422},
    Row{Errc::conflict, "conflict", 409},
};

Errc code_of(unsigned status) {
    for (const auto& row : rows)
        if (row.status == status) return row.code;
    return status >= 400 && status < 500 ? Errc::usage : Errc::unavailable;
}

std::string reason_of(unsigned status) {
    return std::string(boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status)));
}

} // namespace

unsigned http_status(Errc code) {
    for (const auto& row : rows)
        if (row.code == code) return row.status;
    return 500;
}

std::string_view to_string(Errc code) {
    for (const auto& row : rows)
        if (row.code == code) return row.word;
    return "failed";
}

std::string problem_body(unsigned status, Errc code, std::string_view detail) {
    boost::json::object body;
    body["type"] = "about:blank";
    body["title"] = reason_of(status);
    body["status"] = status;
    body["detail"] = valid_utf8(detail);
    body["code"] = to_string(code);
    return boost::json::serialize(body);
}

Error problem_error(unsigned status, std::string_view body) {
    Error error{code_of(status), reason_of(status)};
    boost::system::error_code ec;
    const auto json = boost::json::parse(body, ec);
    const auto* object = ec ? nullptr : json.if_object();
    if (!object) return error;
    if (const auto* detail = object->if_contains("detail"); detail && detail->is_string())
        error.message = detail->get_string();
    if (const auto* code = object->if_contains("code"); code && code->is_string())
        for (const auto& row : rows)
            if (row.word == std::string_view(code->get_string())) error.code = row.code;
    return error;
}

} // namespace loom
