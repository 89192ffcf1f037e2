#include "app/notify/message.hpp"

#include "app/hooks/verify.hpp"
#include "core/base/base64.hpp"
#include "support/catch.hpp"

#include <boost/json.hpp>

using namespace loom;

namespace {

const Instant now(std::chrono::seconds(1'769'846'700)); // 2026-01-31T08:05:00Z

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

RunView run_view() {
    RunView run;
    run.id = "018c-aaaa";
    run.job = "backup <db>";
    run.state = "failed";
    run.message = "2 of 5 nodes & more";
    run.started = "2026-01-31T08:00:00Z";
    run.counts = {{"ok", 3}, {"failed", 2}};
    run.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    return run;
}

boost::json::object event_of(NotifyEvent what, std::uint32_t failures = 1) {
    NotifyRule rule;
    rule.name = "ops";
    Notice notice;
    notice.event = what;
    notice.failures = failures;
    notice.since = now;
    return cloud_event(rule, notice, run_view(), "id-1", now);
}

NotifyTarget target_of(NotifyTarget::Kind kind, std::string url = "https://example.org/x?y=z") {
    NotifyTarget target;
    target.kind = kind;
    target.url = Secret(std::move(url));
    return target;
}

std::string header(const NotifyRequest& request, const std::string& name) {
    for (const auto& [key, value] : request.headers)
        if (key == name) return value;
    return "";
}

} // namespace

TEST_CASE("a notification is a CloudEvent") {
    const auto event = event_of(NotifyEvent::still_failing, 3);
    CHECK(event.at("specversion") == "1.0");
    CHECK(event.at("id") == "id-1");
    CHECK(event.at("type") == "loom.job.still_failing");
    CHECK(event.at("subject") == "backup <db>");
    CHECK(event.at("time") == "2026-01-31T08:05:00Z");
    CHECK(std::string(event.at("traceparent").as_string()) == run_view().trace);
    const auto& data = event.at("data").as_object();
    CHECK(data.at("rule") == "ops");
    CHECK(data.at("title") == "backup <db> still fails, 3 times in a row");
    CHECK(data.at("since") == "2026-01-31T08:05:00Z");
    CHECK(data.at("run").as_object().at("id") == "018c-aaaa");
    CHECK(std::string(data.at("text").as_string()) ==
          "state: failed\nwhy: 2 of 5 nodes & more\nnodes: 2 failed, 3 ok\nfailures in a row: 3\nfailing since: 2026-01-31T08:05:00Z\n"
          "started: 2026-01-31T08:00:00Z\nrun: 018c-aaaa\n");
}

TEST_CASE("a webhook is signed as Standard Webhooks says") {
    auto target = target_of(NotifyTarget::Kind::webhook);
    target.secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const auto request = notify_request(target, event_of(NotifyEvent::missed), now);
    CHECK(request.method == "POST");
    CHECK(header(request, "webhook-id") == "id-1");
    CHECK(header(request, "webhook-timestamp") == "1769846700");
    CHECK(header(request, "webhook-signature") == standard_signature(target.secret, "id-1", "1769846700", request.body));
    CHECK(header(request, "Content-Type") == "application/cloudevents+json; charset=utf-8");
    target.secret = Secret();
    CHECK(header(notify_request(target, event_of(NotifyEvent::missed), now), "webhook-signature").empty());
}

TEST_CASE("Slack gets text in which nothing is markup of the job's") {
    const auto request = notify_request(target_of(NotifyTarget::Kind::slack), event_of(NotifyEvent::first_failure), now);
    const auto text = std::string(boost::json::parse(request.body).as_object().at("text").as_string());
    CHECK(text.starts_with("*backup &lt;db&gt; failed*\nstate: failed\nwhy: 2 of 5 nodes &amp; more\n"));
}

TEST_CASE("ntfy gets a title, a tag, a priority and its token") {
    auto target = target_of(NotifyTarget::Kind::ntfy);
    target.priority = "high";
    target.secret = Secret("tk_1");
    const auto request = notify_request(target, event_of(NotifyEvent::recovery), now);
    CHECK(header(request, "Title") == "backup <db> is ok again, after 1 failure");
    CHECK(header(request, "Tags") == "white_check_mark");
    CHECK(header(request, "Priority") == "high");
    CHECK(header(request, "Authorization") == "Bearer tk_1");
    CHECK(request.body.starts_with("state: failed\n"));
}

TEST_CASE("a ping tells of failures at another path") {
    const auto url = [](NotifyEvent what, std::string from) { return notify_request(target_of(NotifyTarget::Kind::ping, std::move(from)), event_of(what), now).url; };
    CHECK(url(NotifyEvent::success, "https://hc/uuid") == "https://hc/uuid");
    CHECK(url(NotifyEvent::recovery, "https://hc/uuid?a=b") == "https://hc/uuid?a=b");
    CHECK(url(NotifyEvent::first_failure, "https://hc/uuid") == "https://hc/uuid/fail");
    CHECK(url(NotifyEvent::missed, "https://hc/uuid?a=b") == "https://hc/uuid/fail?a=b");
}

TEST_CASE("a mail has its headers, and no line but its own") {
    NotifyTarget target;
    target.kind = NotifyTarget::Kind::email;
    target.from = "loom@example.org";
    target.to = {"a@example.org", "b@example.org"};
    auto event = event_of(NotifyEvent::first_failure);
    auto mail = mail_text(target, event, now);
    CHECK(holds(mail, "Date: Sat, 31 Jan 2026 08:05:00 +0000\r\n"));
    CHECK(holds(mail, "To: a@example.org,\r\n b@example.org\r\n"));
    CHECK(holds(mail, "Subject: [loom] backup <db> failed\r\n"));
    CHECK(holds(mail, "Message-ID: <id-1@example.org>\r\n"));
    const auto body = mail.substr(mail.find("\r\n\r\n") + 4);
    auto encoded = body;
    std::erase(encoded, '\r');
    std::erase(encoded, '\n');
    CHECK(base64_decode(encoded)->starts_with("state: failed\r\nwhy: 2 of 5 nodes & more\r\n"));
    event["data"].as_object()["title"] = "gr\xc3\xbcn\r\nBcc: x@y";
    mail = mail_text(target, event, now);
    CHECK(holds(mail, "Subject: =?utf-8?B?"));
    CHECK_FALSE(holds(mail, "\nBcc:"));
}
