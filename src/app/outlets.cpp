#include "app/outlets.hpp"

#include "app/hooks/receiver.hpp"
#include "app/metrics/page.hpp"
#include "app/notify/notifier.hpp"
#include "app/store/sqlite_outbox.hpp"
#include "core/async/run_on.hpp"

#include <unistd.h>

namespace loom {
namespace {

std::string own_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

class OutletsImpl final : public Outlets {
public:
    OutletsImpl(Runtime& runtime, Engine& engine, std::unique_ptr<Outbox> outbox)
        : runtime_(runtime), engine_(engine), outbox_(std::move(outbox)), sender_(runtime.blocking(), own_name()),
          strand_(make_strand(runtime.io())), notifier_({engine, *outbox_, sender_, runtime.clock, runtime.blocking()}, strand_) {
        engine_.on_change([this] { notifier_.look(); });
    }
    ~OutletsImpl() override { engine_.on_change([] {}); }

    std::vector<PlainRoute> routes() override {
        MetricSources sources;
        sources.hooks = [this] { return deliveries_.counts(); };
        sources.notifications = [this] { return notifier_.tried(); };
        sources.outbox = [this] { return notifier_.counts(); };
        std::vector<PlainRoute> all;
        all.push_back(hook_route(engine_, runtime_.clock, deliveries_));
        all.push_back(metrics_route(engine_, runtime_.blocking(), std::move(sources)));
        return all;
    }
    awaitable<void> run(StopToken stop) override {
        auto body = [this, stop]() -> awaitable<void> { co_await notifier_.run(stop); };
        const std::function<awaitable<void>()> work = std::ref(body);
        co_await run_on(strand_, work);
    }
    void look() override { notifier_.look(); }

private:
    Runtime& runtime_;
    Engine& engine_;
    std::unique_ptr<Outbox> outbox_;
    NotifySender sender_;
    Executor strand_;
    Notifier notifier_;
    Tally deliveries_;
};

} // namespace

Result<std::unique_ptr<Outlets>> Outlets::open(Runtime& runtime, Engine& engine, const std::string& state_dir) {
    auto outbox = open_sqlite_outbox(state_dir);
    if (!outbox) return outbox.error();
    if (auto wanted = (*outbox)->want(!engine.current_catalog()->notify.empty()); !wanted) return wanted.error();
    return std::unique_ptr<Outlets>(std::make_unique<OutletsImpl>(runtime, engine, std::move(*outbox)));
}

} // namespace loom
