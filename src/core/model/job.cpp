#include "core/model/job.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

std::string to_string(const SourcePlace& place) {
    return place.file ? fmt::format("{}:{}:{}", *place.file, place.line, place.column) : std::string();
}

} // namespace loom
