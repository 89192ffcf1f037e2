#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace loom {

/// Counts by two words, of which there are as many as the configuration has names: hooks or rules, and what came of them. Any thread.
class Tally {
public:
    using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;
    void count(const std::string& name, std::string_view outcome) {
        const std::lock_guard lock(mutex_);
        ++counts_[{name, std::string(outcome)}];
    }
    Counts counts() const {
        const std::lock_guard lock(mutex_);
        return counts_;
    }

private:
    mutable std::mutex mutex_;
    Counts counts_;
};

} // namespace loom
