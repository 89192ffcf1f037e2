#pragma once
#include "app/http/message.hpp"
#include "app/http/table.hpp"

#include <functional>
#include <optional>

namespace loom {

/// A path beside the API, whose requests and replies are bytes: `/metrics`, `/hooks/NAME`.
struct PlainRoute {
    std::string method;
    std::string path; ///< one that ends in `/` takes all that is below it
    /// What the caller must be allowed to; nothing: the route itself looks whom it serves, and the request may come from
    /// anybody.
    std::optional<AccessScope> scope;
    /// Any executor. The caller is whoever the scope has let in.
    std::function<awaitable<HttpResponse>(HttpRequest request, Principal caller)> answer;
    Touches touches = Touches::everything; ///< with the scope, whom it lets in
};

/// The route that takes this path, or null; `allow` gets the methods of the path when only the method was wrong. Pure.
inline const PlainRoute* find_plain(const std::vector<PlainRoute>& routes, std::string_view method, std::string_view path,
                                    std::string& allow) {
    for (const auto& route : routes) {
        const bool here = route.path.ends_with('/') ? path.starts_with(route.path) && path.size() > route.path.size() : path == route.path;
        if (here && route.method == method) return &route;
        if (here) allow = route.method;
    }
    return nullptr;
}

} // namespace loom
