#include "app/notify/message.hpp"

#include "app/hooks/verify.hpp"
#include "core/base/base64.hpp"
#include "core/run/json.hpp"

#include <spdlog/fmt/chrono.h>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace json = boost::json;
using Kind = NotifyTarget::Kind;

std::string counts_text(const RunView& run) {
    std::string text;
    for (const auto& [state, count] : run.counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
    return text;
}

/// A fact a line.
std::string text_of(const Notice& notice, const RunView& run) {
    std::string text;
    const auto line = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) text += fmt::format("{}: {}\n", name, value);
    };
    line("state", run.state);
    line("why", run.message);
    line("note", run.note);
    line("nodes", counts_text(run));
    if (notice.failures > 1 && notice.event != NotifyEvent::recovery) line("failures in a row", std::to_string(notice.failures));
    if (notice.since) line("failing since", to_rfc3339(*notice.since));
    line("due", run.due.value_or(""));
    line("started", run.started);
    line("finished", run.finished.value_or(""));
    line("run", run.id);
    return text;
}

std::string member(const json::object& event, std::string_view name) {
    const auto* data = event.if_contains("data");
    const auto* value = data && data->is_object() ? data->get_object().if_contains(name) : nullptr;
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string text_member(const json::object& event, std::string_view name) {
    const auto* value = event.if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool is_success(const json::object& event) {
    const auto word = parse_notify_event(member(event, "event"));
    return word == NotifyEvent::success || word == NotifyEvent::recovery;
}

/// Slack's three (api.slack.com, "Escaping text").
std::string slack_escaped(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '&') escaped += "&amp;";
        else if (c == '<') escaped += "&lt;";
        else if (c == '>') escaped += "&gt;";
        else escaped += c;
    }
    return escaped;
}

/// As it is where it is plain, else RFC 2047's words of at most 45 bytes each, cut between characters.
std::string header_text(std::string_view text) {
    if (std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; })) return std::string(text);
    std::string words;
    while (!text.empty()) {
        auto end = std::min<std::size_t>(text.size(), 45);
        while (end < text.size() && end > 1 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
        words += fmt::format("{}=?utf-8?B?{}?=", words.empty() ? "" : "\r\n ", base64_encode(text.substr(0, end)));
        text.remove_prefix(end);
    }
    return words;
}

std::string one_header(std::string_view text) {
    auto words = header_text(text);
    for (auto at = words.find("\r\n "); at != std::string::npos; at = words.find("\r\n ")) words.replace(at, 3, " ");
    return words;
}

std::string with_crlf(std::string_view text) {
    std::string lines;
    for (const char c : text) {
        if (c == '\r') continue;
        if (c == '\n') lines += '\r';
        lines += c;
    }
    return lines;
}

} // namespace

std::string notice_title(const Notice& notice, const std::string& job) {
    switch (notice.event) {
    case NotifyEvent::first_failure: return job + " failed";
    case NotifyEvent::still_failing: return fmt::format("{} still fails, {} times in a row", job, notice.failures);
    case NotifyEvent::recovery: return fmt::format("{} is ok again, after {} failure{}", job, notice.failures, notice.failures == 1 ? "" : "s");
    case NotifyEvent::success: return job + " is ok";
    case NotifyEvent::missed: return job + " did not run";
    case NotifyEvent::overdue: return job + " is overdue";
    }
    return job;
}

json::object cloud_event(const NotifyRule& rule, const Notice& notice, const RunView& run, std::string id, Instant now) {
    json::object data;
    data["rule"] = rule.name;
    data["event"] = to_string(notice.event);
    data["title"] = notice_title(notice, run.job);
    data["text"] = text_of(notice, run);
    data["failures"] = notice.failures;
    data["since"] = notice.since ? json::value(to_rfc3339(*notice.since)) : json::value();
    data["run"] = to_json(run);
    json::object event;
    event["specversion"] = "1.0";
    event["id"] = std::move(id);
    event["source"] = "/loom";
    event["type"] = fmt::format("loom.job.{}", to_string(notice.event));
    event["subject"] = run.job;
    event["time"] = to_rfc3339(now);
    event["datacontenttype"] = "application/json";
    if (!run.trace.empty()) event["traceparent"] = run.trace;
    event["data"] = std::move(data);
    return event;
}

NotifyRequest notify_request(const NotifyTarget& target, const json::object& event, Instant now) {
    NotifyRequest request;
    request.url = target.url.reveal();
    const auto add = [&](std::string_view name, std::string value) { request.headers.emplace_back(name, std::move(value)); };
    const auto title = member(event, "title"), text = member(event, "text");
    if (target.kind == Kind::webhook) {
        request.body = json::serialize(event);
        add("Content-Type", "application/cloudevents+json; charset=utf-8");
        const auto id = text_member(event, "id");
        const auto timestamp = std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
        add("webhook-id", id);
        add("webhook-timestamp", timestamp);
        if (!target.secret.empty()) add("webhook-signature", standard_signature(target.secret, id, timestamp, request.body));
        if (auto trace = text_member(event, "traceparent"); !trace.empty()) add("traceparent", std::move(trace));
    } else if (target.kind == Kind::slack) {
        json::object message;
        message["text"] = fmt::format("*{}*\n{}", slack_escaped(title), slack_escaped(text));
        request.body = json::serialize(message);
        add("Content-Type", "application/json");
    } else if (target.kind == Kind::ntfy) {
        request.body = text;
        add("Content-Type", "text/plain; charset=utf-8");
        add("Title", one_header(title));
        add("Tags", is_success(event) ? "white_check_mark" : "warning");
        if (!target.priority.empty()) add("Priority", target.priority);
        if (!target.secret.empty()) add("Authorization", "Bearer " + target.secret.reveal());
    } else {
        request.method = "GET";
        if (!is_success(event)) request.url.insert(std::min(request.url.find('?'), request.url.size()), request.url.ends_with('/') ? "fail" : "/fail");
    }
    return request;
}

std::string mail_text(const NotifyTarget& target, const json::object& event, Instant now) {
    std::string to;
    for (const auto& address : target.to) to += (to.empty() ? "" : ",\r\n ") + address;
    const auto id = text_member(event, "id");
    const auto host = target.from.substr(target.from.find('@') + 1);
    const auto time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::time_point(now.time_since_epoch()));
    std::string mail;
    mail += fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\n", fmt::gmtime(time));
    mail += fmt::format("From: Loom <{}>\r\nTo: {}\r\n", target.from, to);
    mail += fmt::format("Subject: {}\r\n", header_text("[loom] " + member(event, "title")));
    mail += fmt::format("Message-ID: <{}@{}>\r\n", id, host);
    mail += "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
            "Auto-Submitted: auto-generated\r\n\r\n";
    const auto body = base64_encode(with_crlf(member(event, "text")));
    for (std::size_t at = 0; at < body.size(); at += 76) mail += body.substr(at, 76) + "\r\n";
    return mail;
}

} // namespace loom
