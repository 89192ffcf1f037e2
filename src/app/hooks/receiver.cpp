#include "app/hooks/receiver.hpp"

#include "app/hooks/judge.hpp"
#include "app/hooks/refusals.hpp"
#include "core/base/log.hpp"

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

HttpResponse json_reply(unsigned status, const boost::json::object& body) { return {status, "application/json", boost::json::serialize(body)}; }

HttpResponse left_out(std::string_view why) { return json_reply(200, {{"ignored", std::string(why)}}); }

HttpResponse reply_of(const Result<HookStarted>& started) {
    // The sender may try again where it was our fault; a job that cannot run is nobody's but the configuration's.
    if (!started && started.error().code == Errc::conflict) return problem_response(409, Errc::conflict, started.error().message);
    if (!started) return problem_response(503, Errc::unavailable, started.error().message);
    const auto& run = started->run;
    boost::json::object body{{"id", run.id}, {"job", run.job}, {"state", run.state}, {"duplicate", started->duplicate}};
    if (!run.message.empty()) body["message"] = run.message;
    // A run may have ended by now: it was started all the same.
    const bool begun = !started->duplicate && !run.id.empty() && run.state != to_string(RunState::skipped);
    return json_reply(begun ? 202 : 200, body);
}

std::string_view word_of(HookVerdict::Kind kind) {
    return kind == HookVerdict::Kind::denied ? "denied" : kind == HookVerdict::Kind::left_out ? "left_out" : "refused";
}

std::string_view outcome_of(const Result<HookStarted>& started) {
    if (!started) return "failed";
    if (started->duplicate) return "duplicate";
    return started->run.state == to_string(RunState::skipped) ? "skipped" : "started";
}

/// Of those that prove nothing one a minute: whoever reaches the daemon can send them.
void log_refusal(const Hook& hook, const HookVerdict& verdict, Refusals& refusals, Instant now, const std::string& id) {
    std::optional<std::uint64_t> untold = 0;
    const bool left_out = verdict.kind == HookVerdict::Kind::left_out;
    if (verdict.kind == HookVerdict::Kind::denied) untold = refusals.count(hook.name, now);
    if (!untold) return;
    const auto more = *untold > 0 ? fmt::format("; and {} more since the last line of them", *untold) : std::string();
    logs::http.info({.job = hook.job}, "hook {}: {}: {} ({}){}", hook.name, left_out ? "left out" : "refused", verdict.why, id, more);
}

awaitable<HttpResponse> receive_delivery(Engine& engine, const Clock& clock, Tally& tally, std::shared_ptr<Refusals> refusals, HttpRequest request) {
    const auto name = request.path.substr(hooks_root.size());
    const auto catalog = engine.current_catalog();
    const auto* hook = catalog->find_hook(name);
    if (!hook) co_return problem_response(404, Errc::not_found, "there is no such hook");
    HookDelivery delivery;
    delivery.headers = std::move(request.fields);
    delivery.body = std::move(request.body);
    auto verdict = judge(*hook, delivery, clock.now());
    using Kind = HookVerdict::Kind;
    if (verdict.kind != Kind::start) {
        tally.count(name, word_of(verdict.kind));
        log_refusal(*hook, verdict, *refusals, clock.now(), request.id);
    }
    if (verdict.kind == Kind::denied) co_return problem_response(401, Errc::denied, verdict.why);
    if (verdict.kind == Kind::left_out) co_return left_out(verdict.why);
    if (verdict.kind == Kind::refused) co_return problem_response(422, Errc::usage, verdict.why);
    const auto started = co_await engine.start_hook(std::move(verdict.start));
    tally.count(name, outcome_of(started));
    co_return reply_of(started);
}

} // namespace

PlainRoute hook_route(Engine& engine, const Clock& clock, Tally& tally) {
    auto answer = [&engine, &clock, &tally, refusals = std::make_shared<Refusals>()](HttpRequest request, Principal) {
        return receive_delivery(engine, clock, tally, refusals, std::move(request));
    };
    return {"POST", std::string(hooks_root), std::nullopt, std::move(answer)};
}

} // namespace loom
