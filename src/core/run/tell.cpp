#include "core/run/tell.hpp"

#include "core/run/json.hpp"
#include "core/run/to_views.hpp"

namespace loom {

awaitable<void> tell_run(Journal& journal, EventBus& bus, std::string run, std::string type) {
    if (!bus.watched(run)) co_return;
    auto ask = [run](RunStore& store) { return store.run(run); };
    const auto stored = co_await journal.read(std::move(ask));
    if (stored) bus.publish(run, std::move(type), to_json(to_view(*stored)).as_object());
}

} // namespace loom
