#include "core/config/notify_fields.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

ConfigTexts texts_with(const std::string& notify) {
    auto texts = catalog_texts("");
    texts.settings.text += "notify:\n" + notify;
    texts.read_secret = [](const boost::json::object&) { return Result<Secret>(Secret("from the file")); };
    return texts;
}

std::string problem_of(const std::string& notify) { return problems_of(texts_with(notify)); }

} // namespace

TEST_CASE("rules are read with everything they have") {
    const auto catalog = build_catalog(texts_with("  chat: {slack: {url: 'https://hooks.slack.com/services/T/B/x'}}\n"
                                                  "  mail: {on: [still_failing, missed], every: 5, jobs: 'back*', email: {server: 'smtp.example.org:465', tls: tls, "
                                                  "user: loom, password: {file: p}, from: loom@example.org, to: [a@example.org, b@example.org]}}\n"
                                                  "  alive: {ping: {url: 'http://127.0.0.1:8000/x', allow_private: true}, jobs: [a, b]}\n")).value();
    REQUIRE(catalog->notify.size() == 3);
    const auto& alive = catalog->notify[0];
    CHECK(alive.name == "alive");
    CHECK(alive.on == std::vector{NotifyEvent::success, NotifyEvent::recovery});
    CHECK(alive.target.allow_private);
    const auto& mail = catalog->notify[2];
    CHECK(mail.target.server == "smtp.example.org");
    CHECK(mail.target.port == 465);
    CHECK(mail.target.tls == NotifyTarget::Tls::tls);
    CHECK(mail.target.secret.reveal() == "from the file");
    CHECK(mail.target.to == std::vector<std::string>{"a@example.org", "b@example.org"});
    CHECK(mail.every == 5);
    CHECK(catalog->notify[1].target.kind == NotifyTarget::Kind::slack);
}

TEST_CASE("what is wrong with a rule is told with its place") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"  a: {}\n", "/c/loom.yaml:4:3: notify: a: expected one of webhook, slack, ntfy, email and ping"},
        {"  a: {slack: {url: 'https://x'}, ping: {url: 'https://x'}}\n", "/c/loom.yaml:4:3: notify: a: expected one of webhook, slack, ntfy, email and ping"},
        {"  a: {slak: {url: x}}\n", "/c/loom.yaml:4:7: notify: a: unknown key \"slak\" (did you mean \"slack\"?)"},
        {"  a: {slack: {uri: x}}\n", "/c/loom.yaml:4:15: notify: a: slack: unknown key \"uri\" (did you mean \"url\"?)"},
        {"  a: {slack: {}}\n", "/c/loom.yaml:4:14: notify: a: slack: missing key \"url\""},
        {"  a: {slack: {url: 'ftp://x'}}\n", "/c/loom.yaml:4:20: notify: a: url: expected a URL that begins with https:// or http://"},
        {"  a: {slack: {url: 'https://user:pass@x'}}\n", "/c/loom.yaml:4:20: notify: a: url: a URL with a user in it is refused"},
        {"  a: {on: [first_failed], slack: {url: 'https://x'}}\n",
         "/c/loom.yaml:4:11: notify: a: on: expected some of first_failure, still_failing, recovery, success, missed, overdue, not \"first_failed\" (did you mean \"first_failure\"?)"},
        {"  a: {every: 3, slack: {url: 'https://x'}}\n", "/c/loom.yaml:4:14: notify: a: \"every\" and \"after\" belong to on: still_failing"},
        {"  a: {email: {server: 'x', from: a@b, to: [a]}}\n", "/c/loom.yaml:4:44: notify: a: email: to: expected a mail address, such as ops@example.org, not \"a\""},
        {"  a: {email: {server: 'x:y', from: a@b, to: a@b}}\n", "/c/loom.yaml:4:23: notify: a: email: server: expected HOST or HOST:PORT, not \"x:y\""},
        {"  a: {email: {server: x, from: a@b, to: a@b, user: u}}\n", "/c/loom.yaml:4:14: notify: a: email: \"user\" and \"password\" go together"},
        {"  a: {email: {server: x, tls: none, from: a@b, to: a@b, user: u, password: p}}\n", "/c/loom.yaml:4:14: notify: a: email: a password is not sent without TLS"},
    };
    for (const auto& [text, message] : rows) CHECK(problem_of(text) == "fatal " + message);
}

TEST_CASE("a URL that names no plain place is refused") {
    for (const std::string good : {"https://example.org", "http://example.org:80/a?b=c", "https://[::1]/x"}) CHECK(url_fault(good).empty());
    for (const std::string bad : {"", "example.org", "file:///etc/passwd", "https://", "https://:80/", "https://a@b/", "https://a/#x", "https://a/ b", "https://a/\r\nX: y"})
        CHECK_FALSE(url_fault(bad).empty());
}
