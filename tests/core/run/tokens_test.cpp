#include "core/run/tokens.hpp"

#include "core/base/digest.hpp"
#include "support/catch.hpp"
#include "support/memory_tokens.hpp"

#include <set>

using namespace loom;

namespace {

Instant at(long long seconds) { return Instant(std::chrono::seconds(seconds)); }

struct BookRig {
    MemoryTokens store;
    TokenBook book{&store};
    Catalog catalog;

    BookRig() {
        for (const char* name : {"db1", "web1"}) {
            Node node;
            node.name = name;
            catalog.nodes.push_back(node);
        }
    }
    Result<NewTokenView> create(CreateToken request, Instant now = at(0)) { return book.create(request, "user:anna", catalog, now); }
};

CreateToken named(std::string name) {
    CreateToken request;
    request.name = std::move(name);
    return request;
}

} // namespace

TEST_CASE("a token opens what it was made for, until it ends") {
    BookRig rig;
    auto request = named("ci");
    request.scope = "operate";
    request.jobs = {"web-*"};
    request.nodes = "web1";
    request.expires = "90s";
    const auto made = rig.create(request).value();
    CHECK(made.token.starts_with("loom_"));
    CHECK(made.token.size() == 5 + 64); // 256 random bits
    CHECK(made.about.expires == "1970-01-01T00:01:30Z");
    const auto who = rig.book.find(made.token, at(1)).value();
    CHECK(who.by == "token:ci");
    CHECK(who.grant.scope == AccessScope::operate);
    CHECK(who.grant.jobs == request.jobs);
    CHECK(who.grant.nodes == "web1");
    CHECK(rig.book.find(made.token, at(90)).error().message == "this token has expired");
    CHECK(rig.book.list(at(90)).value().items.at(0).state == "expired");
    for (const auto& other : {std::string(), std::string("loom_"), made.token + "0", made.token.substr(1)})
        CHECK(rig.book.find(other, at(1)).error().code == Errc::denied);
}

TEST_CASE("the text of a token is nowhere but in its one reply") {
    BookRig rig;
    const auto made = rig.create(named("ci")).value();
    const auto kept = rig.store.tokens().value().at(0);
    CHECK(kept.hash == sha256_hex(made.token));
    CHECK(kept.hash.find(made.token) == std::string::npos);
    std::set<std::string> texts;
    for (int i = 0; i < 100; ++i) texts.insert(rig.create(named("t" + std::to_string(i))).value().token);
    CHECK(texts.size() == 100);
}

TEST_CASE("a token that is revoked opens nothing from then on") {
    BookRig rig;
    const auto made = rig.create(named("ci")).value();
    REQUIRE(rig.book.find(made.token, at(1)).has_value());
    CHECK(rig.book.revoke("ci", at(2)).value().state == "revoked");
    CHECK(rig.book.find(made.token, at(2)).error().message == "this token was revoked");
    CHECK(rig.book.revoke("ci", at(3)).error().code == Errc::not_found);
    const auto next = rig.create(named("ci"), at(4)).value();
    CHECK(rig.book.find(next.token, at(5)).has_value());
    CHECK_FALSE(rig.book.find(made.token, at(5)).has_value());
}

TEST_CASE("its last use is written once a minute") {
    BookRig rig;
    const auto made = rig.create(named("ci")).value();
    CHECK_FALSE(rig.book.uses_wait());
    REQUIRE(rig.book.find(made.token, at(10)).has_value());
    CHECK(rig.book.uses_wait());
    rig.book.note_uses();
    CHECK(rig.store.tokens().value().at(0).used == at(10));
    REQUIRE(rig.book.find(made.token, at(69)).has_value());
    CHECK_FALSE(rig.book.uses_wait());
    REQUIRE(rig.book.find(made.token, at(70)).has_value());
    CHECK(rig.book.list(at(70)).value().items.at(0).used == "1970-01-01T00:01:10Z");
}

TEST_CASE("a token is refused for what it cannot be, by the flag's name") {
    BookRig rig;
    const auto wrong = [&](auto change) {
        auto request = named("ci");
        change(request);
        const auto made = rig.create(request, at(100));
        REQUIRE(made.has_error());
        CHECK(made.error().code == (made.error().message.starts_with("--nodes") ? made.error().code : Errc::usage));
        return made.error().message;
    };
    CHECK(wrong([](auto& r) { r.name = "a b"; }).starts_with("NAME: "));
    CHECK(wrong([](auto& r) { r.name = ""; }).starts_with("NAME: "));
    CHECK(wrong([](auto& r) { r.scope = "opreate"; }) == "--scope: expected read, operate or admin, not \"opreate\" (did you mean \"operate\"?)");
    CHECK(wrong([](auto& r) { r.jobs = {""}; }).starts_with("--jobs: "));
    CHECK(wrong([](auto& r) { r.nodes = "web9"; }).starts_with("--nodes: "));
    CHECK(wrong([](auto& r) { r.nodes = "@failed:last"; }).starts_with("--nodes: @failed"));
    CHECK(wrong([](auto& r) { r.expires = "soon"; }).starts_with("--expires: \"soon\""));
    CHECK(wrong([](auto& r) { r.expires = "1970-01-01T00:00:01Z"; }) == "--expires: 1970-01-01T00:00:01Z is not ahead");
    CHECK(rig.create(named("ci")).has_value());
    CHECK(rig.create(named("ci")).error().code == Errc::conflict);
}
