#pragma once
#include "core/run/views.hpp"

namespace loom {

/// A verified delivery that its hook lets through.
struct HookStart {
    std::string hook, job;
    std::string delivery; ///< its id; empty: it has none, so nothing tells that it comes twice
    std::string trace;    ///< a W3C traceparent, or empty
    boost::json::object params;
};

/// The run that a delivery has made, now or when it came before.
struct HookStarted {
    HookStarted() = default;
    HookStarted(RunView made, bool before) : run(std::move(made)), duplicate(before) {}
    RunView run;
    bool duplicate = false;
};

} // namespace loom
