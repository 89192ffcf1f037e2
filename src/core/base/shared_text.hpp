#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace loom {

/// A text, or a part of one, and what keeps it alive: a copy shares it, whatever its size. Nobody changes it any more.
class SharedText : public std::string_view {
public:
    SharedText() = default;
    SharedText(const char* text) : SharedText(std::string(text)) {}
    SharedText(std::string text) : SharedText(std::make_shared<const std::string>(std::move(text))) {}
    explicit SharedText(std::shared_ptr<const std::string> whole) : std::string_view(*whole), whole_(std::move(whole)) {}
    // Copied where others are moved: a view that was left behind might outlive its text.
    SharedText(const SharedText&) = default;
    SharedText& operator=(const SharedText&) = default;

private:
    std::shared_ptr<const std::string> whole_;
};

} // namespace loom
