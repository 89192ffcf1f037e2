#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loom {

/// A webhook's delivery as it came: the body byte for byte.
struct HookDelivery {
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    /// The value of the header, whatever the case of its name. Nothing where it is not there, and where it came twice: two readers
    /// would take two values from it.
    std::optional<std::string_view> header(std::string_view name) const;
};

} // namespace loom
