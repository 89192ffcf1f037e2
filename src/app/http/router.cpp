#include "app/http/router.hpp"

#include "app/http/guarded_service.hpp"

namespace loom {
namespace {

template <class Request>
Result<Request> read_request(HttpMethod method, const HttpInput& input) {
    if (method == HttpMethod::get) {
        auto parameters = input.query;
        for (const auto& [name, value] : input.path)
            if (!parameters.emplace(name, value).second)
                return usage_error("parameter \"" + name + "\" is part of the path");
        return from_parameters<Request>(parameters);
    }
    if (!input.query.empty()) return usage_error("this request takes a JSON body, no parameters");
    boost::json::value body = boost::json::object(); // braces would make an array of it
    if (!input.body.empty()) {
        boost::system::error_code ec;
        body = boost::json::parse(input.body, ec);
        if (ec) return usage_error("the body is not JSON: " + ec.message());
    }
    if (auto* object = body.if_object())
        for (const auto& [name, value] : input.path)
            if (!object->emplace(name, value).second) return usage_error("member \"" + name + "\" is part of the path");
    return from_json<Request>(body);
}

template <auto Member>
auto call_member(Service& service, Caller caller, typename Endpoint<Member>::Request request) {
    using Traits = MemberTraits<decltype(Member)>;
    if constexpr (std::is_same_v<typename Traits::Request, NoRequest>) {
        if constexpr (Traits::takes_caller) return (service.*Member)(std::move(caller));
        else return (service.*Member)();
    } else {
        if constexpr (Traits::takes_caller) return (service.*Member)(std::move(caller), std::move(request));
        else return (service.*Member)(std::move(request));
    }
}

template <auto Member>
awaitable<Result<HttpAnswer>> answer(Service& service, Principal principal, HttpInput input) {
    auto request = read_request<typename Endpoint<Member>::Request>(endpoint_of<Member>().method, input);
    if (!request) co_return request.error();
    Caller caller(std::move(principal.by));
    caller.key = std::move(input.key);
    caller.digest = std::move(input.digest);
    // An administrator without limits sees the service itself; everybody else what the grant leaves of it.
    std::optional<GuardedService> guarded;
    if (principal.grant.limited() || principal.grant.scope < AccessScope::admin) guarded.emplace(service, std::move(principal.grant));
    Service& seen = guarded ? *guarded : service;
    auto reply = co_await call_member<Member>(seen, std::move(caller), std::move(*request));
    if (!reply) co_return reply.error();
    HttpAnswer made;
    if constexpr (Endpoint<Member>::streams) made.events = std::move(*reply);
    else made.body = boost::json::serialize(to_json(*reply));
    co_return made;
}

template <auto Member>
HttpRoute route_of(const Endpoint<Member>& endpoint) {
    return {endpoint.method, std::string(api_root) + std::string(endpoint.path), endpoint.scope, endpoint.touches, &answer<Member>};
}

} // namespace

const std::vector<HttpRoute>& http_routes() {
    static const std::vector<HttpRoute> routes = std::apply(
        [](const auto&... endpoint) { return std::vector<HttpRoute>{route_of(endpoint)...}; }, endpoints);
    return routes;
}

RouteMatch find_route(std::string_view method, std::string_view path) {
    RouteMatch match;
    for (const auto& route : http_routes()) {
        auto parameters = match_path(route.pattern, path);
        if (!parameters) continue;
        if (to_string(route.method) == method) return {&route, std::move(*parameters), {}};
        if (!match.allow.empty()) match.allow += ", ";
        match.allow += to_string(route.method);
    }
    return match;
}

} // namespace loom
