#pragma once
#include "app/http/plain_route.hpp"
#include "app/runtime.hpp"
#include "core/async/stop.hpp"
#include "core/run/engine.hpp"

#include <memory>

namespace loom {

/// What a daemon has beside its API: webhooks in, metrics, notifications out. Made before anything runs.
class Outlets {
public:
    /// Opens the outbox; from now on changes of runs are kept for it. `runtime` and `engine` outlive it. Blocks.
    static Result<std::unique_ptr<Outlets>> open(Runtime& runtime, Engine& engine, const std::string& state_dir);
    virtual ~Outlets() = default;

    /// What the server answers beside the API; the outlets outlive it.
    virtual std::vector<PlainRoute> routes() = 0;
    /// Sends notifications until `stop`, on any strand.
    virtual awaitable<void> run(StopToken stop) = 0;
    /// The catalog may be another. Any thread.
    virtual void look() = 0;
};

} // namespace loom
