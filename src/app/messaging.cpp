#include "app/messaging.hpp"

#include "app/hooks/judge.hpp"
#include "app/hooks/receiver.hpp"
#include "app/hooks/verify.hpp"
#include "app/notify/message.hpp"
#include "app/notify/send.hpp"
#include "app/store/sqlite_outbox.hpp"
#include "core/async/offload.hpp"
#include "core/base/base64.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "core/base/utf8.hpp"
#include "core/config/hook_fields.hpp"
#include "core/run/queries.hpp"
#include "core/task/placeholders.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

std::string filter_words(const Hook& hook) {
    std::string words;
    for (const auto& condition : hook.filter) {
        if (!words.empty()) words += ", ";
        words += condition.field.name + (condition.matches ? " ~ " + condition.matches->text() : fmt::format(" = {}", fmt::join(condition.is, "|")));
    }
    return words;
}

std::string parameter_words(const Hook& hook) {
    std::string words;
    for (const auto& parameter : hook.parameters) words += (words.empty() ? "" : ", ") + parameter.name;
    return words;
}

template <class Item>
Error no_such(std::string_view kind, const std::string& name, const std::vector<Item>& items) {
    std::vector<std::string> names;
    for (const auto& item : items) names.push_back(item.name);
    return not_found(fmt::format("there is no {} \"{}\"{}", kind, name, did_you_mean(name, names)));
}

/// Where it goes, without what may be a secret of the URL: its path and query.
std::string place_of(const NotifyTarget& target) {
    if (target.kind == NotifyTarget::Kind::email) return fmt::format("{} by {}:{}", fmt::join(target.to, ", "), target.server, target.port);
    const auto& url = target.url.reveal();
    const auto begin = url.find("//") == std::string::npos ? 0 : url.find("//") + 2;
    return url.substr(0, url.find_first_of("/?", begin));
}

NotifyRuleView view_of(const NotifyRule& rule, const std::vector<OutboxEntry>& entries) {
    NotifyRuleView view;
    view.name = rule.name;
    view.kind = to_string(rule.target.kind);
    for (const auto event : rule.on) view.on += (view.on.empty() ? "" : ", ") + std::string(to_string(event));
    view.jobs = rule.jobs.empty() ? std::string("all") : fmt::format("{}", fmt::join(rule.jobs, ", "));
    view.to = place_of(rule.target);
    view.source = rule.place;
    for (const auto& entry : entries) {
        if (entry.rule != rule.name) continue;
        ++(entry.dead ? view.dead : view.waiting);
        if (view.error.empty()) view.error = valid_utf8(entry.error);
    }
    return view;
}

Result<Notice> notice_of(const TestNotify& request) {
    std::vector<std::string> known;
    for (std::size_t i = 0; i < notify_events; ++i) known.emplace_back(to_string(static_cast<NotifyEvent>(i)));
    const auto event = parse_notify_event(request.event);
    if (!event)
        return usage_error(fmt::format("--event: expected one of {}, not \"{}\"{}", fmt::join(known, ", "), request.event, did_you_mean(request.event, known)));
    Notice notice;
    notice.event = *event;
    notice.failures = 1;
    return notice;
}

/// A run that does not exist.
RunView test_run(const std::string& job, NotifyEvent event, Instant now) {
    RunView run;
    run.id = uuid_v7(now.time_since_epoch().count());
    run.job = job;
    run.state = event == NotifyEvent::success || event == NotifyEvent::recovery ? "ok" : "failed";
    run.message = "this is a test; nothing has happened";
    run.started = to_rfc3339(now);
    run.finished = run.started;
    return run;
}

class MessagingImpl final : public Messaging {
public:
    explicit MessagingImpl(const Executor& blocking) : blocking_(blocking) {}

    Result<HookList> hooks(const Catalog& catalog) override {
        HookList list;
        for (const auto& hook : catalog.hooks)
            list.items.push_back({hook.name, hook.job, std::string(to_string(hook.scheme)), std::string(hooks_root) + hook.name, parameter_words(hook),
                                  filter_words(hook), mismatch(catalog, hook).value_or(""), hook.place});
        return list;
    }

    Result<HookTestView> test_hook(const Catalog& catalog, TestHook request) override {
        const auto* hook = catalog.find_hook(request.name);
        if (!hook) return no_such("hook", request.name, catalog.hooks);
        if (const auto why = mismatch(catalog, *hook)) return Error{Errc::config, fmt::format("{}: hooks: {}: {}", hook->place, hook->name, *why)};
        auto body = base64_decode(request.body_base64);
        if (!body) return usage_error("body_base64 is not base64");
        auto delivery = tried_delivery(request.headers, std::move(*body));
        if (!delivery) return delivery.error();
        // A sender gives it an id.
        if (const auto name = delivery_header(*hook); !name.empty() && !delivery->header(name)) delivery->headers.emplace_back(name, "test");
        const auto verdict = judge_verified(*hook, *delivery);
        HookTestView view;
        view.hook = hook->name;
        view.job = hook->job;
        view.verify = to_string(hook->scheme);
        view.starts = verdict.kind == HookVerdict::Kind::start;
        view.left_out = verdict.kind == HookVerdict::Kind::left_out;
        view.message = valid_utf8(verdict.why);
        view.params = verdict.start.params;
        if (!view.starts) return view;
        const auto task = show_params(*catalog.find_job(hook->job)->task, verdict.start.params);
        if (!task) return task.error();
        boost::json::object env;
        for (const auto& [name, value] : task->env) env[name] = value;
        view.work = {{"task", task->name}, {"args", task->args}, {"kwargs", task->kwargs}, {"env", std::move(env)}};
        return view;
    }

    awaitable<Result<NotifyRuleList>> notify_rules(CatalogPtr catalog) override {
        auto ask = [catalog] { return read_outbox(catalog->settings.state_dir, limits::outbox_entries + limits::outbox_dead); };
        const auto entries = co_await offload(blocking_, std::move(ask));
        if (!entries) co_return entries.error();
        NotifyRuleList list;
        for (const auto& rule : catalog->notify) list.items.push_back(view_of(rule, *entries));
        co_return list;
    }

    awaitable<Result<NotifyTestView>> test_notify(CatalogPtr catalog, TestNotify request, Instant now) override {
        const auto rule = std::ranges::find(catalog->notify, request.rule, &NotifyRule::name);
        if (rule == catalog->notify.end()) co_return no_such("rule", request.rule, catalog->notify);
        const auto notice = notice_of(request);
        if (!notice) co_return notice.error();
        if (!request.job.empty() && !catalog->find_job(request.job)) co_return no_job(*catalog, request.job);
        const auto run = test_run(request.job.empty() ? "test" : request.job, notice->event, now);
        NotifySender sender(blocking_);
        auto target = rule->target;
        auto event = cloud_event(*rule, *notice, run, run.id, now);
        const auto sent = co_await sender.send(std::move(target), std::move(event), now);
        if (!sent) co_return Error{Errc::failed, fmt::format("notify {}: {}", rule->name, sent.error().message)};
        NotifyTestView view;
        view.rule = rule->name;
        view.kind = to_string(rule->target.kind);
        view.to = place_of(rule->target);
        view.title = notice_title(*notice, run.job);
        co_return view;
    }

private:
    Executor blocking_;
};

} // namespace

std::unique_ptr<Messaging> create_messaging(const Executor& blocking) { return std::make_unique<MessagingImpl>(blocking); }

} // namespace loom
