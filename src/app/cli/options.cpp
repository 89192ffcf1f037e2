#include "app/cli/options.hpp"

#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {

CLI::Validator number_between(unsigned least, unsigned most) {
    const auto check = [least, most](std::string& text) -> std::string {
        unsigned number = 0;
        const auto* end = text.data() + text.size();
        const auto [at, fault] = std::from_chars(text.data(), end, number);
        if (fault == std::errc() && at == end && number >= least && number <= most) return {};
        return fmt::format("expected a number from {} to {}, not \"{}\"", least, most, text);
    };
    return {check, "", "NUMBER"};
}

} // namespace loom
