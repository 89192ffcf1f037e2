#include "core/run/awaited.hpp"

#include <utility>

namespace loom {

void Awaited::add(const std::string& node) {
    const std::lock_guard lock(mutex_);
    nodes_.insert(node);
    any_ = true;
}

void Awaited::remove(const std::string& node) {
    const std::lock_guard lock(mutex_);
    nodes_.erase(node);
    any_ = !nodes_.empty();
}

void Awaited::reached(const std::string& node) {
    if (!any_) return;
    {
        const std::lock_guard lock(mutex_);
        if (!nodes_.contains(node)) return;
        reached_.insert(node);
    }
    when_reached();
}

std::set<std::string> Awaited::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(reached_, {});
}

} // namespace loom
