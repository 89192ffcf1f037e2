#pragma once
#include "core/run/event_bus.hpp"
#include "core/run/journal.hpp"

namespace loom {

/// Tells whoever watches the run how the ledger has it now, as an event of this type. Journal and bus outlive the call.
awaitable<void> tell_run(Journal& journal, EventBus& bus, std::string run, std::string type);

} // namespace loom
