#pragma once
#include "core/async/asio.hpp"
#include "core/model/catalog.hpp"
#include "core/run/messaging_views.hpp"
#include "core/time/instant.hpp"

namespace loom {

/// Port: what comes in by hooks and goes out by notifications, which know HTTP, mail and files of their own. Any executor.
class Messaging {
public:
    virtual ~Messaging() = default;

    virtual Result<HookList> hooks(const Catalog& catalog) = 0;
    virtual Result<HookTestView> test_hook(const Catalog& catalog, TestHook request) = 0;
    virtual awaitable<Result<NotifyRuleList>> notify_rules(CatalogPtr catalog) = 0;
    virtual awaitable<Result<NotifyTestView>> test_notify(CatalogPtr catalog, TestNotify request, Instant now) = 0;
};

} // namespace loom
