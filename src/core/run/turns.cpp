#include "core/run/turns.hpp"

namespace loom {

Turns::Listening::Listening(Turns& turns, const std::string& job, Bell bell) : turns_(turns) {
    const std::lock_guard lock(turns.mutex_);
    place_ = turns.bells_.emplace(job, std::move(bell));
}

Turns::Listening::~Listening() {
    const std::lock_guard lock(turns_.mutex_);
    turns_.bells_.erase(place_);
}

void Turns::ring(const std::string& job) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = bells_.equal_range(job);
    for (auto bell = first; bell != last; ++bell) bell->second.ring();
}

void Turns::hold(const std::string& run, const std::string& node, StopToken stop) {
    const std::lock_guard lock(mutex_);
    nodes_.insert_or_assign({run, node}, std::move(stop));
}

void Turns::release(const std::string& run, const std::string& node) {
    const std::lock_guard lock(mutex_);
    nodes_.erase({run, node});
}

void Turns::cancel(const std::string& run, const std::string& node, std::string words) {
    const std::lock_guard lock(mutex_);
    if (const auto found = nodes_.find({run, node}); found != nodes_.end())
        found->second.request(StopReason::cancelled, std::move(words));
}

awaitable<Result<NodeHolders>> holders_of(Journal& journal, std::string run, std::string job) {
    auto ask = [run = std::move(run), job = std::move(job)](RunStore& store) -> Result<NodeHolders> {
        const auto others = store.in_flight(job);
        if (!others) return others.error();
        NodeHolders holders;
        bool passed = false;
        for (const auto& other : *others) {
            if (other.id == run) {
                passed = true;
                continue;
            }
            const auto results = store.results(other.id);
            if (!results) return results.error();
            for (const auto& result : *results)
                if (!terminal(result.outcome.state)) (passed ? holders.behind : holders.ahead)[result.node] = other.id;
        }
        return holders;
    };
    co_return co_await journal.read(std::move(ask));
}

} // namespace loom
