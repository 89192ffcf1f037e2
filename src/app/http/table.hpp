#pragma once
#include "core/model/access.hpp"
#include "core/run/service.hpp"

#include <string_view>
#include <tuple>
#include <type_traits>

namespace loom {

enum class HttpMethod : std::uint8_t { get, post };
std::string_view to_string(HttpMethod method);

/// A request without fields.
struct NoRequest {};
BOOST_DESCRIBE_STRUCT(NoRequest, (), ())

/// What a member of Service takes and gives.
template <class Member>
struct MemberTraits;
template <class R>
struct MemberTraits<awaitable<Result<R>> (Service::*)()> {
    using Request = NoRequest;
    using Reply = R;
    static constexpr bool takes_caller = false;
};
template <class R>
struct MemberTraits<awaitable<Result<R>> (Service::*)(Caller)> {
    using Request = NoRequest;
    using Reply = R;
    static constexpr bool takes_caller = true;
};
template <class R, class Q>
struct MemberTraits<awaitable<Result<R>> (Service::*)(Q)> {
    using Request = Q;
    using Reply = R;
    static constexpr bool takes_caller = false;
};
template <class R, class Q>
struct MemberTraits<awaitable<Result<R>> (Service::*)(Caller, Q)> {
    using Request = Q;
    using Reply = R;
    static constexpr bool takes_caller = true;
};

/// What a request touches: with the scope, all that decides whether a caller may make it (see `refusal` and
/// GuardedService).
enum class Touches : std::uint8_t {
    nothing,    ///< what everybody with a token may know
    some,       ///< a list, of which each caller gets what it may see
    job,        ///< one job
    run,        ///< one run: its job, and its nodes
    node,       ///< one node
    work,       ///< the nodes that a run would reach, as its job or as a command
    everything, ///< the daemon itself: no caller that is limited to jobs or nodes may
};
std::string_view to_string(Touches touches);

/// One row: a member of Service and where it is found under `api_root`. `{field}` in the path is the request's field
/// of that name; a GET carries the others as query parameters, a POST as a JSON body. There is no row without a scope and
/// what it touches. `summary` is for people.
template <auto Member>
struct Endpoint {
    using Traits = MemberTraits<decltype(Member)>;
    using Request = typename Traits::Request;
    using Reply = typename Traits::Reply;
    static constexpr bool streams = std::is_same_v<Reply, std::unique_ptr<EventStream>>;

    constexpr Endpoint(HttpMethod at_method, std::string_view at_path, AccessScope needs, Touches what, std::string_view says)
        : method(at_method), path(at_path), scope(needs), touches(what), summary(says) {}

    HttpMethod method;
    std::string_view path;
    AccessScope scope;
    Touches touches;
    std::string_view summary;
};

inline constexpr std::string_view api_root = "/api/v1";

/// The server's router, the client, the OpenAPI document and the list in docs/api.md are all made from this.
inline constexpr std::tuple endpoints{
    Endpoint<&Service::version>(HttpMethod::get, "/version", AccessScope::read, Touches::nothing, "the daemon's version"),
    Endpoint<&Service::catalog>(HttpMethod::get, "/catalog", AccessScope::read, Touches::some, "the configuration in use"),
    Endpoint<&Service::catalog_diff>(HttpMethod::get, "/catalog/diff", AccessScope::read, Touches::everything, "what the last reload has changed"),
    Endpoint<&Service::reload>(HttpMethod::post, "/catalog/reload", AccessScope::admin, Touches::everything, "read the configuration anew"),
    Endpoint<&Service::drain>(HttpMethod::post, "/drain", AccessScope::admin, Touches::everything, "begin nothing new, or `undo` that"),
    Endpoint<&Service::jobs>(HttpMethod::get, "/jobs", AccessScope::read, Touches::some, "the jobs"),
    Endpoint<&Service::pause>(HttpMethod::post, "/jobs/pause", AccessScope::operate, Touches::job, "pause a job, or all"),
    Endpoint<&Service::resume>(HttpMethod::post, "/jobs/resume", AccessScope::operate, Touches::job, "end a pause"),
    Endpoint<&Service::job>(HttpMethod::get, "/jobs/{name}", AccessScope::read, Touches::job, "one job"),
    // A POST, for a NodeSet may exceed any target.
    Endpoint<&Service::nodes>(HttpMethod::post, "/nodes/search", AccessScope::read, Touches::some, "the nodes of a NodeSet, or all"),
    Endpoint<&Service::node_settings>(HttpMethod::get, "/nodes/{node}", AccessScope::read, Touches::node, "one node, and what is in force for it"),
    Endpoint<&Service::trust>(HttpMethod::post, "/nodes/{node}/trust", AccessScope::admin, Touches::node, "look at a node's host key, and record it"),
    Endpoint<&Service::plan_job>(HttpMethod::post, "/plan/job", AccessScope::read, Touches::work, "what `POST /runs` would do"),
    Endpoint<&Service::plan_exec>(HttpMethod::post, "/plan/exec", AccessScope::read, Touches::work, "what `POST /exec` would do"),
    Endpoint<&Service::plan_retry>(HttpMethod::post, "/plan/retry", AccessScope::read, Touches::work, "what a retry would do"),
    Endpoint<&Service::plan_backfill>(HttpMethod::post, "/plan/backfill", AccessScope::read, Touches::job, "the instants that a backfill would run"),
    Endpoint<&Service::next>(HttpMethod::get, "/next", AccessScope::read, Touches::some, "when jobs are due next"),
    Endpoint<&Service::why>(HttpMethod::get, "/why", AccessScope::read, Touches::job, "why a job or a run did what it did"),
    Endpoint<&Service::runs>(HttpMethod::get, "/runs", AccessScope::read, Touches::some, "runs, newest first"),
    Endpoint<&Service::start_job>(HttpMethod::post, "/runs", AccessScope::operate, Touches::work, "run a job now"),
    Endpoint<&Service::start_exec>(HttpMethod::post, "/exec", AccessScope::operate, Touches::work, "run a command on nodes now"),
    Endpoint<&Service::run>(HttpMethod::get, "/runs/{id}", AccessScope::read, Touches::run, "one run"),
    Endpoint<&Service::cancel>(HttpMethod::post, "/runs/{id}/cancel", AccessScope::operate, Touches::run, "end a run"),
    Endpoint<&Service::retry>(HttpMethod::post, "/runs/{id}/retry", AccessScope::operate, Touches::run, "run again what did not succeed"),
    Endpoint<&Service::results>(HttpMethod::get, "/runs/{id}/nodes", AccessScope::read, Touches::run, "what became of each node"),
    Endpoint<&Service::gathered>(HttpMethod::get, "/runs/{id}/gathered", AccessScope::read, Touches::run, "the same, nodes that ended alike together"),
    Endpoint<&Service::output_piece>(HttpMethod::get, "/runs/{id}/nodes/{node}/output", AccessScope::read, Touches::run, "what one node printed from an offset on, while it runs too"),
    Endpoint<&Service::output>(HttpMethod::get, "/runs/{id}/output", AccessScope::read, Touches::run, "what one node printed"),
    Endpoint<&Service::watch>(HttpMethod::get, "/runs/{id}/events", AccessScope::read, Touches::run, "a run's events as they happen"),
    Endpoint<&Service::events>(HttpMethod::get, "/events", AccessScope::read, Touches::some, "all runs' changes of state as they happen"),
    Endpoint<&Service::hooks>(HttpMethod::get, "/hooks", AccessScope::read, Touches::everything, "the webhooks that start jobs"),
    Endpoint<&Service::test_hook>(HttpMethod::post, "/hooks/{name}/test", AccessScope::read, Touches::everything, "what a delivery would do"),
    Endpoint<&Service::notify_rules>(HttpMethod::get, "/notify", AccessScope::read, Touches::everything, "who is told of what, and what waits"),
    Endpoint<&Service::test_notify>(HttpMethod::post, "/notify/{rule}/test", AccessScope::operate, Touches::everything, "send a test message, now and once"),
    Endpoint<&Service::tokens>(HttpMethod::get, "/tokens", AccessScope::admin, Touches::everything, "the tokens, without their texts"),
    Endpoint<&Service::create_token>(HttpMethod::post, "/tokens", AccessScope::admin, Touches::everything, "a new token; the only reply that has its text"),
    Endpoint<&Service::revoke_token>(HttpMethod::post, "/tokens/{name}/revoke", AccessScope::admin, Touches::everything, "end a token"),
};

template <auto Member>
constexpr const Endpoint<Member>& endpoint_of() {
    return std::get<Endpoint<Member>>(endpoints);
}

} // namespace loom
