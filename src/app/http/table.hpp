#pragma once
#include "core/run/service.hpp"

#include <string_view>
#include <tuple>
#include <type_traits>

namespace loom {

enum class HttpMethod : std::uint8_t { get, post };
std::string_view to_string(HttpMethod method);

/// What a caller must be allowed to do. On the unix socket whoever is let in may do all of it.
enum class AccessScope : std::uint8_t {
    read,    ///< see runs, outputs, jobs and nodes
    operate, ///< start and cancel runs, pause jobs
    admin,   ///< change what is loaded, and which host keys are trusted
};

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

/// One row: a member of Service and where it is found under `api_root`. `{field}` in the path is the request's field
/// of that name; a GET carries the others as query parameters, a POST as a JSON body. There is no row without a scope.
template <auto Member>
struct Endpoint {
    using Traits = MemberTraits<decltype(Member)>;
    using Request = typename Traits::Request;
    using Reply = typename Traits::Reply;
    static constexpr bool streams = std::is_same_v<Reply, std::unique_ptr<EventStream>>;

    constexpr Endpoint(HttpMethod at_method, std::string_view at_path, AccessScope needs)
        : method(at_method), path(at_path), scope(needs) {}

    HttpMethod method;
    std::string_view path;
    AccessScope scope;
};

inline constexpr std::string_view api_root = "/api/v1";

/// The server's router and the client are both made from this.
inline constexpr std::tuple endpoints{
    Endpoint<&Service::catalog>(HttpMethod::get, "/catalog", AccessScope::read),
    Endpoint<&Service::reload>(HttpMethod::post, "/catalog/reload", AccessScope::admin),
    Endpoint<&Service::drain>(HttpMethod::post, "/drain", AccessScope::admin),
    Endpoint<&Service::jobs>(HttpMethod::get, "/jobs", AccessScope::read),
    Endpoint<&Service::pause>(HttpMethod::post, "/jobs/pause", AccessScope::operate),
    Endpoint<&Service::resume>(HttpMethod::post, "/jobs/resume", AccessScope::operate),
    Endpoint<&Service::nodes>(HttpMethod::post, "/nodes/search", AccessScope::read), // a NodeSet may exceed any target
    Endpoint<&Service::node_settings>(HttpMethod::get, "/nodes/{node}", AccessScope::read),
    Endpoint<&Service::trust>(HttpMethod::post, "/nodes/{node}/trust", AccessScope::admin),
    Endpoint<&Service::plan_job>(HttpMethod::post, "/plan/job", AccessScope::read),
    Endpoint<&Service::plan_exec>(HttpMethod::post, "/plan/exec", AccessScope::read),
    Endpoint<&Service::plan_retry>(HttpMethod::post, "/plan/retry", AccessScope::read),
    Endpoint<&Service::plan_backfill>(HttpMethod::post, "/plan/backfill", AccessScope::read),
    Endpoint<&Service::next>(HttpMethod::get, "/next", AccessScope::read),
    Endpoint<&Service::why>(HttpMethod::get, "/why", AccessScope::read),
    Endpoint<&Service::runs>(HttpMethod::get, "/runs", AccessScope::read),
    Endpoint<&Service::start_job>(HttpMethod::post, "/runs", AccessScope::operate),
    Endpoint<&Service::start_exec>(HttpMethod::post, "/exec", AccessScope::operate),
    Endpoint<&Service::run>(HttpMethod::get, "/runs/{id}", AccessScope::read),
    Endpoint<&Service::cancel>(HttpMethod::post, "/runs/{id}/cancel", AccessScope::operate),
    Endpoint<&Service::retry>(HttpMethod::post, "/runs/{id}/retry", AccessScope::operate),
    Endpoint<&Service::results>(HttpMethod::get, "/runs/{id}/nodes", AccessScope::read),
    Endpoint<&Service::gathered>(HttpMethod::get, "/runs/{id}/gathered", AccessScope::read),
    Endpoint<&Service::output>(HttpMethod::get, "/runs/{id}/output", AccessScope::read),
    Endpoint<&Service::watch>(HttpMethod::get, "/runs/{id}/events", AccessScope::read),
};

template <auto Member>
constexpr const Endpoint<Member>& endpoint_of() {
    return std::get<Endpoint<Member>>(endpoints);
}

} // namespace loom
