#pragma once
#include "core/run/service.hpp"

#include <utility>

namespace loom {

/// First what the run is now, then what happens to it; only the first for a run that is not in flight here.
class WatchStream final : public EventStream {
public:
    WatchStream(Event first, std::unique_ptr<EventStream> rest) : first_(std::move(first)), rest_(std::move(rest)) {}

    awaitable<std::optional<Event>> next() override {
        if (first_) co_return std::exchange(first_, std::nullopt);
        if (!rest_) co_return std::nullopt;
        co_return co_await rest_->next();
    }

    void close() override {
        if (rest_) rest_->close();
    }

private:
    std::optional<Event> first_;
    std::unique_ptr<EventStream> rest_;
};

} // namespace loom
