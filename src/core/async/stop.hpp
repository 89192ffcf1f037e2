#pragma once
#include "core/async/asio.hpp"

#include <functional>
#include <memory>
#include <string>

namespace loom {

/// Why work was told to stop. The first reason given stays.
enum class StopReason { none, cancelled, timed_out, shutdown };

/// Carries a stop request to the work it concerns (style rule: cancellation is a token, not an Asio slot).
/// Copies share one state. Every member may be called on any thread.
class StopToken {
    struct State;
    struct Entry;

public:
    StopToken();

    /// Asks for the stop; each callback is posted to its own executor. False when a reason stood already.
    bool request(StopReason reason, std::string words = {}) const;
    StopReason reason() const;
    /// What came with the reason, for people; empty: nothing.
    std::string words() const;
    bool requested() const { return reason() != StopReason::none; }

    /// A child stops when this one does, and can be stopped alone.
    StopToken child() const;

    /// Takes its callback back when it goes. Destroy it on the callback's own executor: then the callback cannot run
    /// afterwards, even where its post was already queued.
    class [[nodiscard]] Registration {
    public:
        Registration() = default;
        Registration(Registration&&) noexcept = default;
        Registration& operator=(Registration&& other) noexcept;
        ~Registration();

    private:
        friend class StopToken;
        std::shared_ptr<State> state_;
        std::shared_ptr<Entry> entry_;
    };

    /// Runs `callback(reason)` on `executor` once the stop is requested; at once (posted) if it already was.
    Registration on_stop(const Executor& executor, std::function<void(StopReason)> callback) const;

private:
    std::shared_ptr<State> state_;
};

} // namespace loom
