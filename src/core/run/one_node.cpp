#include "core/run/one_node.hpp"

#include "core/base/log.hpp"
#include "core/run/queries.hpp"
#include "core/run/to_views.hpp"

namespace loom {

awaitable<Result<NodeSettingsView>> describe_node(const EngineParts& parts, CatalogPtr catalog, NodeName request) {
    const auto node = node_of(*catalog, request.node);
    if (!node) co_return node.error();
    auto settings = co_await parts.connector->describe(*node);
    if (!settings) co_return settings.error();
    co_return to_view(*node, *settings);
}

awaitable<Result<HostKeyView>> trust_node(const EngineParts& parts, CatalogPtr catalog, Caller caller, TrustNode request) {
    const auto node = node_of(*catalog, request.node);
    if (!node) co_return node.error();
    TrustWish wish;
    wish.fingerprint = std::move(request.fingerprint);
    wish.replace = request.replace;
    const Timeouts timeout;
    const auto reach = [&parts, node = *node, timeout, wish]() -> awaitable<Result<HostKeyReport>> {
        co_return co_await parts.connector->trust(node, timeout, wish);
    };
    const auto report = co_await asio::co_spawn(parts.strands.of(node->name), reach, asio::use_awaitable);
    if (!report) co_return report.error();
    if (report->recorded)
        logs::ssh.info({.node = node->name}, "host key {} {} is trusted by {}", report->type, report->fingerprint, caller.by);
    co_return to_view(*node, *report);
}

} // namespace loom
