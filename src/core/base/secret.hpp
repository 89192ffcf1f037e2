#pragma once
#include <string>
#include <utility>

namespace loom {

/// A value that no sink may show: no stream operator, no conversion to JSON or text; `reveal` is greppable.
/// Owned by whoever holds the value; the bytes are overwritten when it goes.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret(Secret&&) noexcept = default;
    Secret& operator=(const Secret&) = default;
    Secret& operator=(Secret&&) noexcept = default;
    ~Secret() {
        volatile char* bytes = value_.data();
        for (std::size_t i = 0; i < value_.size(); ++i) bytes[i] = 0;
    }

    const std::string& reveal() const { return value_; }
    bool empty() const { return value_.empty(); }
    friend bool operator==(const Secret&, const Secret&) = default;

private:
    std::string value_;
};

} // namespace loom
