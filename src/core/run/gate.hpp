#pragma once
#include "core/base/error.hpp"

#include <mutex>
#include <optional>

namespace loom {

/// Whether new work may begin. Any thread.
class Gate {
public:
    /// Nothing new until `undrain`; of several who say so the first is remembered (`user:anna since …`).
    void drain(std::string who);
    /// Refused after `close`, for nothing begins again.
    std::optional<Error> undrain();
    /// Nothing new any more.
    void close();

    /// Who had the work drain; empty: it goes on.
    std::string draining() const;
    /// Why nothing may begin, where that is so.
    std::optional<Error> refusal() const;

private:
    mutable std::mutex mutex_;
    std::string draining_;
    bool closed_ = false;
};

} // namespace loom
