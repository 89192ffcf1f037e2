#include "ssh/gates.hpp"

namespace loom {

std::shared_ptr<Slots> Gates::at(const std::string& address) {
    const std::lock_guard lock(mutex_);
    if (gates_.size() >= sweep_at_) {
        std::erase_if(gates_, [](const auto& gate) { return gate.second.expired(); });
        sweep_at_ = 256 + 2 * gates_.size();
    }
    auto& gate = gates_[address];
    auto slots = gate.lock();
    if (!slots) {
        slots = std::make_shared<Slots>(width_);
        gate = slots;
    }
    return slots;
}

} // namespace loom
