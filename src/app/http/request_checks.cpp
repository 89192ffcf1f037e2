#include "app/http/request_checks.hpp"

#include "core/base/limits.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <algorithm>
#include <array>
#include <charconv>

namespace loom {
namespace {

Rejection bad(std::string message) { return {400, std::move(message)}; }

/// RFC 9110, 5.6.2.
bool token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
    });
}

/// A field's value: no control character but the tab.
bool field_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

bool digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Takes the next line, which must end in CRLF and hold no other CR or LF.
std::optional<std::string_view> take_line(std::string_view& rest) {
    const auto end = rest.find_first_of("\r\n");
    if (end == std::string_view::npos || rest.substr(end, 2) != "\r\n") return std::nullopt;
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
}

struct RequestLine {
    std::string_view method, target, version;
};

std::optional<RequestLine> split_request_line(std::string_view line) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return std::nullopt;
    return RequestLine{line.substr(0, first), line.substr(first + 1, last - first - 1), line.substr(last + 1)};
}

std::optional<Rejection> check_request_line(const RequestLine& line) {
    static constexpr std::array methods{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    if (line.version != "HTTP/1.1" && line.version != "HTTP/1.0") return Rejection{505, "only HTTP/1.1 and HTTP/1.0"};
    if (std::find(methods.begin(), methods.end(), line.method) == methods.end())
        return Rejection{501, "unknown method"};
    return check_target(line.target);
}

/// What the fields that decide where a request ends have said so far.
struct Framing {
    std::size_t fields = 0;
    int hosts = 0, lengths = 0, encodings = 0;

    std::optional<Rejection> take(std::string_view name, std::string_view value, bool http_1_0) {
        if (++fields > limits::http_headers) return Rejection{431, "too many header fields"};
        if (boost::iequals(name, "Host")) {
            ++hosts;
            if (value.find_first_of(" \t,/@") != std::string_view::npos) return bad("Host is not a host name");
        } else if (boost::iequals(name, "Content-Length")) {
            ++lengths;
            if (!digits(value) || value.size() > 18) return bad("Content-Length is not a number");
        } else if (boost::iequals(name, "Transfer-Encoding")) {
            ++encodings;
            if (http_1_0) return bad("Transfer-Encoding with HTTP/1.0");
            if (!boost::iequals(value, "chunked")) return bad("Transfer-Encoding must be exactly chunked");
        }
        return std::nullopt;
    }

    std::optional<Rejection> finish() const {
        if (hosts != 1) return bad("exactly one Host field is needed");
        if (lengths > 1) return bad("more than one Content-Length");
        if (encodings > 1) return bad("more than one Transfer-Encoding");
        if (lengths > 0 && encodings > 0) return bad("Content-Length and Transfer-Encoding together");
        return std::nullopt;
    }
};

std::optional<Rejection> check_escape(std::string_view escape, bool in_path) {
    unsigned code = 0;
    const auto hex = escape.substr(1);
    const auto [end, ec] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    if (hex.size() != 2 || ec != std::errc{} || end != hex.data() + 2) return bad("a broken percent escape in the target");
    if (code == 0) return bad("an escaped NUL in the target");
    if (in_path && (code < 0x20 || code == 0x7f || code == '/' || code == '\\' || code == '.'))
        return bad("the target's path is not normalised");
    return std::nullopt;
}

} // namespace

std::optional<Rejection> check_target(std::string_view target) {
    if (target.size() > limits::http_target_bytes) return Rejection{414, "the target is too long"};
    if (!target.starts_with('/')) return bad("the target must begin with /");
    const auto path = target.substr(0, target.find('?'));
    for (std::size_t i = 0; i < target.size(); ++i) {
        const auto c = static_cast<unsigned char>(target[i]);
        if (c <= 0x20 || c >= 0x7f) return bad("a character in the target must be percent-escaped");
        if (c == '#') return bad("a fragment in the target");
        if (c == '\\' && i < path.size()) return bad("a backslash in the target's path");
        if (c != '%') continue;
        if (auto rejection = check_escape(target.substr(i, 3), i < path.size())) return rejection;
    }
    if (path.find("//") != std::string_view::npos) return bad("an empty segment in the target's path");
    for (const std::string_view dots : {"/./", "/../"})
        if ((std::string(path) + "/").find(dots) != std::string::npos) return bad("a dot segment in the target's path");
    return std::nullopt;
}

std::optional<Rejection> check_request_head(std::string_view head) {
    const auto first = take_line(head);
    if (!first) return bad("a line must end in CRLF");
    const auto request = split_request_line(*first);
    if (!request) return bad("the request line must be METHOD target HTTP/1.1");
    if (auto rejection = check_request_line(*request)) return rejection;
    Framing framing;
    while (true) {
        const auto line = take_line(head);
        if (!line) return bad("a line must end in CRLF");
        if (line->empty()) break;
        if (line->front() == ' ' || line->front() == '\t') return bad("a folded header field");
        const auto colon = line->find(':');
        if (colon == std::string_view::npos || !token(line->substr(0, colon))) return bad("a malformed header field");
        const auto value = trimmed(line->substr(colon + 1));
        if (!field_text(value)) return bad("a control character in a header field");
        if (auto rejection = framing.take(line->substr(0, colon), value, request->version == "HTTP/1.0"))
            return rejection;
    }
    if (!head.empty()) return bad("bytes after the request head");
    return framing.finish();
}

} // namespace loom
