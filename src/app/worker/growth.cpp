#include "app/worker/growth.hpp"

#include <fstream>
#include <spdlog/fmt/fmt.h>
#include <sstream>
#include <string>
#include <unistd.h>

namespace loom {

std::optional<Growth> growth_of(pid_t pid) {
    std::string text;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), text);
    const auto name_end = text.rfind(')');
    if (pid <= 0 || name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(text.substr(name_end + 1));
    Growth growth;
    const auto ticks = ::sysconf(_SC_CLK_TCK);
    std::string field;
    // The first is the state, field 3 of proc(5).
    for (int number = 3; number <= 24 && fields >> field; ++number) {
        if (number == 14 || number == 15) growth.cpu += Milliseconds(std::stoll(field) * 1000 / ticks);
        if (number == 24) growth.resident_bytes = std::stoull(field) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    return growth;
}

std::size_t processes_below(pid_t pid) {
    std::size_t count = 0;
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid));
    for (pid_t child = 0; children >> child;) count += 1 + processes_below(child);
    return count;
}

bool worn(const Growth& growth, const PluginLimits& limits) {
    return (limits.memory_bytes > 0 && growth.resident_bytes > limits.memory_bytes / 2) || (limits.cpu.count() > 0 && growth.cpu > limits.cpu / 2);
}

} // namespace loom
