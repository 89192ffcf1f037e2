#pragma once
#include "core/async/asio.hpp"
#include "core/base/error.hpp"
#include "core/model/notify.hpp"
#include "core/time/instant.hpp"
#include "ssh/resolver.hpp"

#include <boost/json/object.hpp>

namespace loom {

/// What tells somebody: the places it stands on outlive its calls.
struct NotifySender {
    explicit NotifySender(const Executor& blocking_pool, std::string name = "localhost")
        : blocking(blocking_pool), own_name(std::move(name)), resolver(blocking_pool) {}
    Executor blocking;
    std::string own_name; ///< this host's, for mail servers
    Resolver resolver;

    /// One try, within limits::notify_time. An answer other than 2xx is an error: nothing is followed. Errc::denied: another try gets the same
    /// answer. The words name the host, and nothing else of the URL. On a strand.
    awaitable<Result<void>> send(NotifyTarget target, boost::json::object event, Instant now);
};

} // namespace loom
