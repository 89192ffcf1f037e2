#include "core/config/yaml.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <stdexcept>

namespace loom {

std::string to_string(const Mark& mark) {
    if (!mark.source) return {};
    return fmt::format("{}:{}:{}", mark.source->shown, mark.line, mark.column);
}

void throw_exception_from_error(const Fault& fault, const boost::source_location&) {
    throw std::runtime_error(to_string(fault.mark) + ": " + fault.message);
}

Error to_error(const Faults& faults) {
    constexpr std::size_t shown = 20;
    std::string message;
    for (std::size_t i = 0; i < std::min(shown, faults.size()); ++i)
        message += fmt::format("{}{}: {}", i == 0 ? "" : "\n", to_string(faults[i].mark), faults[i].message);
    if (faults.size() > shown) message += fmt::format("\nand {} more", faults.size() - shown);
    return {Errc::config, std::move(message)};
}

boost::system::result<YamlDocument, Fault> parse_yaml(const SourceText& source, Tags tags) {
    const SourceText* one = &source;
    return parse_yaml(std::span(&one, 1), tags);
}

} // namespace loom
