#pragma once
#include "core/async/asio.hpp"
#include "core/base/error.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace loom {

/// Keeps a task whose workers die, one after the other, from taking a new one down for each node: after some in a row it is not
/// tried for a while. Pure; one thread at a time.
class Crashes {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Why the task is not tried now; nothing when it may be.
    std::optional<std::string> refusal(const std::string& task, Time now) const;
    void crashed(const std::string& task, const std::string& why, Time now);
    /// A worker came to an end with it, well or not.
    void served(const std::string& task) { known_.erase(task); }
    void clear() { known_.clear(); }

private:
    struct Row {
        int count = 0;
        std::string why;
        Time until;
    };
    std::map<std::string, Row> known_;
};

} // namespace loom
