#include "app/metrics/page.hpp"

#include "core/async/offload.hpp"

#include <prometheus/text_serializer.h>

namespace loom {
namespace {

struct MetricsPage {
    Engine& engine;
    Executor blocking;
    MetricSources sources;

    std::string text() const {
        Measured measured;
        measured.engine = engine.measures();
        measured.process = measure_process();
        if (sources.hooks) measured.hooks = sources.hooks();
        if (sources.notifications) measured.notifications = sources.notifications();
        if (sources.outbox) measured.outbox = sources.outbox();
        return prometheus::TextSerializer().Serialize(metric_families(*engine.current_catalog(), measured));
    }
};

/// Off the io thread: it reads /proc, and a thousand series take their time to be written.
awaitable<HttpResponse> scrape(std::shared_ptr<const MetricsPage> page) {
    auto render = [page] { return page->text(); };
    auto text = co_await offload(page->blocking, std::move(render));
    HttpResponse response;
    response.status = 200;
    response.type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = std::move(text);
    co_return response;
}

} // namespace

PlainRoute metrics_route(Engine& engine, const Executor& blocking, MetricSources sources) {
    const std::shared_ptr<const MetricsPage> page(new MetricsPage{engine, blocking, std::move(sources)});
    auto answer = [page](HttpRequest, Principal) { return scrape(page); };
    return {"GET", "/metrics", AccessScope::read, std::move(answer), Touches::everything};
}

} // namespace loom
