#include "app/http/request_checks.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

std::string head_with(const std::string& fields, const std::string& line = "GET / HTTP/1.1") {
    return line + "\r\nHost: loom\r\n" + fields + "\r\n";
}

} // namespace

TEST_CASE("ordinary request heads pass") {
    const std::string heads[]{
        head_with(""),
        head_with("Content-Length: 12\r\n", "POST /api/v1/runs HTTP/1.1"),
        head_with("Transfer-Encoding: chunked\r\n", "POST /api/v1/runs HTTP/1.1"),
        head_with("transfer-encoding:Chunked \r\nX-Empty:\r\n"),
        head_with("", "GET /api/v1/runs?job=a%20b&state=ok HTTP/1.0"),
        head_with("", "GET /api/v1/runs/0198?node=a/../b%2F%2e HTTP/1.1"),
        head_with("X: caf\xc3\xa9\r\n"),
        "GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n",
    };
    for (const auto& head : heads) {
        CAPTURE(head);
        CHECK(!check_request_head(head));
    }
}

TEST_CASE("a request head that two servers could read differently is refused") {
    struct Row {
        const char* what;
        std::string head;
        unsigned status;
    };
    const Row rows[]{
        {"nothing", "", 400},
        {"no empty line", "GET / HTTP/1.1\r\nHost: a\r\n", 400},
        {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"bare CR in a field", head_with("X: a\rb\r\n"), 400},
        {"bytes behind the end", head_with("") + "x", 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", head_with("Host: other\r\n"), 400},
        {"two Hosts in one", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        {"a user in Host", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        {"two lengths", head_with("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
        {"two lengths in one", head_with("Content-Length: 1, 1\r\n"), 400},
        {"a signed length", head_with("Content-Length: +1\r\n"), 400},
        {"a hexadecimal length", head_with("Content-Length: 0x1\r\n"), 400},
        {"no length", head_with("Content-Length:\r\n"), 400},
        {"a length past all bounds", head_with("Content-Length: 99999999999999999999\r\n"), 400},
        {"length and encoding", head_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"two encodings", head_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"another encoding", head_with("Transfer-Encoding: gzip, chunked\r\n"), 400},
        {"identity", head_with("Transfer-Encoding: identity\r\n"), 400},
        {"a vertical tab", head_with("Transfer-Encoding: \x0b"
                                     "chunked\r\n"),
         400},
        {"encoding with HTTP/1.0", head_with("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"), 400},
        {"a folded field", head_with("X: a\r\n b\r\n"), 400},
        {"a folded first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"a blank before the colon", head_with("Content-Length : 1\r\n"), 400},
        {"no colon", head_with("X\r\n"), 400},
        {"no name", head_with(": x\r\n"), 400},
        {"a NUL", head_with(std::string("X: a\0b\r\n", 8)), 400},
        {"an unknown method", head_with("", "GRAB / HTTP/1.1"), 501},
        {"a method in lower case", head_with("", "get / HTTP/1.1"), 501},
        {"HTTP/2.0", head_with("", "GET / HTTP/2.0"), 505},
        {"HTTP/0.9", "GET /\r\n\r\n", 400},
        {"a blank in the target", head_with("", "GET /a b HTTP/1.1"), 400},
        {"two blanks", head_with("", "GET  / HTTP/1.1"), 400},
        {"an absolute target", head_with("", "GET http://a/ HTTP/1.1"), 400},
        {"the asterisk", head_with("", "OPTIONS * HTTP/1.1"), 400},
        {"a fragment", head_with("", "GET /a#b HTTP/1.1"), 400},
        {"a dot segment", head_with("", "GET /a/../b HTTP/1.1"), 400},
        {"a dot segment at the end", head_with("", "GET /a/. HTTP/1.1"), 400},
        {"an escaped dot", head_with("", "GET /a/%2e%2e/b HTTP/1.1"), 400},
        {"an escaped slash", head_with("", "GET /a%2Fb HTTP/1.1"), 400},
        {"an escaped backslash", head_with("", "GET /a%5cb HTTP/1.1"), 400},
        {"an empty segment", head_with("", "GET //a HTTP/1.1"), 400},
        {"an escaped NUL in the query", head_with("", "GET /?a=%00 HTTP/1.1"), 400},
        {"a broken escape", head_with("", "GET /?a=%2 HTTP/1.1"), 400},
        {"no escape at all", head_with("", "GET /?a=%zz HTTP/1.1"), 400},
        {"raw UTF-8", head_with("", "GET /caf\xc3\xa9 HTTP/1.1"), 400},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const auto rejection = check_request_head(row.head);
        REQUIRE(rejection);
        CHECK(rejection->status == row.status);
        CHECK(!rejection->message.empty());
    }
}

TEST_CASE("the bounds on fields and target are exact") {
    std::string fields;
    for (std::size_t i = 1; i < limits::http_headers; ++i) fields += "X: y\r\n";
    CHECK(!check_request_head(head_with(fields)));
    CHECK(check_request_head(head_with(fields + "X: y\r\n"))->status == 431);
    const std::string target = "/" + std::string(limits::http_target_bytes - 1, 'a');
    CHECK(!check_target(target));
    CHECK(check_target(target + "a")->status == 414);
}
