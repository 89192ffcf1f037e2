#pragma once
#include "app/http/parameters.hpp"
#include "app/http/table.hpp"

#include <functional>
#include <string>
#include <vector>

namespace loom {

/// What a route gives: a JSON body, or events.
struct HttpAnswer {
    std::string body;
    std::unique_ptr<EventStream> events;
};

/// What a request brings to its route.
struct HttpInput {
    Parameters path, query;
    std::string body;
    std::string key, digest; ///< as in Caller
};

/// One row of the endpoint table, with its types erased.
struct HttpRoute {
    HttpMethod method;
    std::string pattern; ///< with the API's root
    AccessScope scope;
    Touches touches;
    std::function<awaitable<Result<HttpAnswer>>(Service&, Principal, HttpInput)> call;
};

/// Every row, in the table's order.
const std::vector<HttpRoute>& http_routes();

/// Where a request leads. `allow` lists the methods of the path when only the method was wrong.
struct RouteMatch {
    const HttpRoute* route = nullptr;
    Parameters path;
    std::string allow;
};

/// `method` as it came, `path` still percent-encoded and without the query. Pure.
RouteMatch find_route(std::string_view method, std::string_view path);

} // namespace loom
