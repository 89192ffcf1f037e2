#pragma once
#include "core/async/slots.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace loom {

/// One counting gate for each address, made when it is first asked for and gone with its last user. Any thread.
class Gates {
public:
    explicit Gates(std::size_t width) : width_(width) {}

    std::shared_ptr<Slots> at(const std::string& address);

private:
    std::size_t width_;
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<Slots>> gates_;
    std::size_t sweep_at_ = 256; ///< gates, at which those without a user are swept out
};

} // namespace loom
