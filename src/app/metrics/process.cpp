#include "app/metrics/process.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace loom {
namespace {

std::string text_of(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The fields of /proc/self/stat behind the name, which may hold blanks: the first is the state, field 3.
void read_stat(ProcessMeasures& into) {
    const auto text = text_of("/proc/self/stat");
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return;
    std::istringstream fields(text.substr(name_end + 1));
    std::string field;
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    double boot = 0;
    std::istringstream lines(text_of("/proc/stat"));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("btime ")) boot = std::stod(line.substr(6));
    for (int number = 3; fields >> field; ++number) {
        if (number == 14 || number == 15) into.cpu_seconds += std::stod(field) / ticks;
        if (number == 22) into.start_seconds = boot + std::stod(field) / ticks;
        if (number == 24) into.resident_bytes = std::stod(field) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    }
}

} // namespace

ProcessMeasures measure_process() {
    ProcessMeasures seen;
    read_stat(seen);
    std::error_code ec;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", ec), end; !ec && entry != end; entry.increment(ec)) ++seen.open_fds;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) seen.max_fds = static_cast<double>(limit.rlim_cur);
    return seen;
}

} // namespace loom
