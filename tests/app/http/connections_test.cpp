#include "app/http/conditional.hpp"
#include "app/http/connections.hpp"
#include "app/http/origin.hpp"
#include "app/http/plain_route.hpp"
#include "app/http/tls.hpp"
#include "core/model/access.hpp"
#include "support/catch.hpp"

using namespace loom;

TEST_CASE("a host is taken by its name, whatever its case and port") {
    HostRule rule;
    rule.names = {"loom.example.org", "127.0.0.1", "::1"};
    for (const char* field : {"loom.example.org", "LOOM.example.org:8843", "127.0.0.1:1", "[::1]:8843", "[::1]"}) CHECK(answers_to(rule, field));
    for (const char* field : {"", "example.org", "loom.example.org.evil.net", "127.0.0.1.evil.net", "[::2]", "["}) CHECK(!answers_to(rule, field));
    rule.any = true;
    CHECK(answers_to(rule, "evil.net"));
}

TEST_CASE("only a page of the same host and port may call") {
    CHECK(same_origin("https://loom.example.org:8843", "Loom.example.org:8843"));
    CHECK(same_origin("http://127.0.0.1:1", "127.0.0.1:1"));
    for (const char* origin : {"null", "https://evil.net", "https://loom.example.org", "https://loom.example.org:8843.evil.net", "file://"})
        CHECK(!same_origin(origin, "loom.example.org:8843"));
}

TEST_CASE("strangers have few connections, and the one that idled longest makes room") {
    HttpLimits limits;
    limits.unauthenticated = 3;
    limits.per_address = 2;
    Connections all(limits);
    std::string closed;
    const auto close = [&closed](std::string name) { return [&closed, name] { closed += name; }; };
    auto a = all.admit("10.0.0.1", "", close("a"));
    auto b = all.admit("10.0.0.1", "", close("b"));
    auto c = all.admit("10.0.0.2", "", close("c"));
    REQUIRE((a && b && c));
    a->idle(false);
    c->idle(false);
    auto d = all.admit("10.0.0.1", "", close("d")); // b goes: a is at work
    CHECK(d.has_value());
    CHECK(closed == "b");
    d->idle(false);
    CHECK(!all.admit("10.0.0.1", "", close("e"))); // nobody idles
    CHECK(!all.admit("10.0.0.3", "", close("f")));
    CHECK(a->belongs_to("token:ci"));
    auto g = all.admit("10.0.0.3", "", close("g"));
    CHECK(g.has_value());
    CHECK(closed == "b");
    CHECK(all.live() == 5);
    b.reset();
    CHECK(all.live() == 4);
}

TEST_CASE("a caller has a bound of its own, and all together have one") {
    HttpLimits limits;
    limits.per_token = 2;
    limits.connections = 4;
    Connections all(limits);
    int closed = 0;
    const auto close = [&closed] { ++closed; };
    auto a = all.admit("10.0.0.1", "token:ci", close);
    auto b = all.admit("10.0.0.1", "", close);
    auto c = all.admit("10.0.0.1", "", close);
    CHECK(b->belongs_to("token:ci"));
    CHECK(b->belongs_to("token:ci"));
    CHECK(!c->belongs_to("token:ci"));
    CHECK(!all.admit("10.0.0.1", "token:ci", close));
    auto d = all.admit("10.0.0.1", "token:other", close);
    REQUIRE(d.has_value());
    CHECK(closed == 0);
    auto e = all.admit("10.0.0.1", "token:other", close); // the stranger goes
    CHECK(e.has_value());
    CHECK(closed == 1);
    CHECK(!all.admit("10.0.0.1", "token:third", close));
}

TEST_CASE("a reply that the client has is not sent again") {
    const HttpResponse reply{200, "application/json", "{}"};
    const auto first = unless_known(reply, "");
    CHECK(first.status == 200);
    const auto tag = first.fields.at(0).second;
    for (const auto& known : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
        const auto again = unless_known(reply, known);
        CHECK(again.status == 304);
        CHECK(again.body.empty());
        CHECK(again.fields.at(0).second == tag);
    }
    for (const char* other : {"\"x\"", ",,", "W/"}) CHECK(unless_known(reply, other).status == 200);
}

TEST_CASE("a request keeps the id that it brings, where that is plain") {
    CHECK(request_id("ci-42.a_b") == "ci-42.a_b");
    for (const auto& odd : {std::string(), std::string("a b"), std::string("a\x1b[31m"), std::string(65, 'x'), std::string("é")})
        CHECK(request_id(odd).size() == 36);
    CHECK(request_id("") != request_id(""));
}

TEST_CASE("a plain route takes its path, or all below it") {
    const auto answer = [](HttpRequest, Principal) -> awaitable<HttpResponse> { co_return HttpResponse(); };
    const std::vector<PlainRoute> routes{{"GET", "/metrics", AccessScope::read, answer}, {"POST", "/hooks/", std::nullopt, answer}};
    std::string allow;
    CHECK(find_plain(routes, "GET", "/metrics", allow) == &routes[0]);
    CHECK(find_plain(routes, "POST", "/hooks/github", allow) == &routes[1]);
    for (const char* path : {"/metrics/", "/hooks/", "/hooks", "/hook/x"}) CHECK(!find_plain(routes, "GET", path, allow));
    CHECK(allow.empty());
    CHECK(!find_plain(routes, "GET", "/hooks/github", allow));
    CHECK(allow == "POST");
}

TEST_CASE("a token's patterns say which jobs it is for") {
    Grant grant;
    CHECK(covers_job(grant, "backup"));
    CHECK(covers_job(grant, ""));
    grant.jobs = {"web-*", "backup", "a?c", "*-nightly"};
    for (const char* job : {"web-", "web-deploy", "backup", "abc", "x-nightly", "-nightly-nightly"}) CHECK(covers_job(grant, job));
    for (const char* job : {"", "web", "backups", "ac", "abbc", "nightly"}) CHECK(!covers_job(grant, job));
    CHECK(parse_access_scope("operate") == AccessScope::operate);
    CHECK(!parse_access_scope("root"));
}

TEST_CASE("a pin is a certificate's SHA-256, with or without its colons") {
    const std::string digits(64, 'a');
    CHECK(parse_pin(digits) == digits);
    CHECK(parse_pin("sha256:" + digits) == digits);
    std::string colons;
    for (int i = 0; i < 32; ++i) colons += i == 0 ? "AA" : ":AA";
    CHECK(parse_pin(colons) == digits);
    for (const auto& wrong : {std::string(), std::string(63, 'a'), std::string(64, 'g')}) CHECK(!parse_pin(wrong));
}
