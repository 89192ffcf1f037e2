#include "core/run/gate.hpp"

namespace loom {
namespace {

Error shutting_down() { return {Errc::conflict, "Loom is shutting down: nothing new starts"}; }

} // namespace

void Gate::drain(std::string who) {
    const std::lock_guard lock(mutex_);
    if (draining_.empty()) draining_ = std::move(who);
}

std::optional<Error> Gate::undrain() {
    const std::lock_guard lock(mutex_);
    if (closed_) return shutting_down();
    draining_.clear();
    return std::nullopt;
}

void Gate::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
}

std::string Gate::draining() const {
    const std::lock_guard lock(mutex_);
    return draining_;
}

std::optional<Error> Gate::refusal() const {
    const std::lock_guard lock(mutex_);
    if (closed_) return shutting_down();
    if (draining_.empty()) return std::nullopt;
    return Error{Errc::conflict, "Loom is draining, by " + draining_ + ": nothing new starts before `loom drain --undo`"};
}

} // namespace loom
