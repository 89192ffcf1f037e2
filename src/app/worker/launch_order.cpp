#include "app/worker/launch_order.hpp"

#include <filesystem>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> python_command(const PluginSettings& plugin) {
    auto interpreter = plugin.interpreter;
    if (interpreter.empty()) interpreter = plugin.virtualenv.empty() ? "python3" : plugin.virtualenv + "/bin/python3";
    // -B: nothing is written beside the modules; -s: nobody's own site-packages.
    return {interpreter, "-B", "-s", "-m", "loom_worker"};
}

/// No distribution gives these out: they are above subuids and what systemd has for containers.
constexpr std::uint32_t first_uid = 2'000'000'000;

/// The kernel counts processes by user: another daemon, or a `loom check` beside it, must not meet this one's.
std::uint32_t own_uid(std::uint32_t place) { return first_uid + static_cast<std::uint32_t>(::getpid() % 100'000) * 1'000 + place % 1'000; }

} // namespace

LaunchOrder launch_order(const PluginSettings& plugin, std::uint32_t place) {
    LaunchOrder order;
    order.python = plugin.command.empty();
    order.command = order.python ? python_command(plugin) : plugin.command;
    order.env = plugin.env;
    order.paths = plugin.paths;
    order.read = plugin.read;
    if (!plugin.virtualenv.empty()) {
        order.read.push_back(plugin.virtualenv);
        order.env.emplace("VIRTUAL_ENV", plugin.virtualenv);
        order.env.emplace("PATH", plugin.virtualenv + "/bin:" + program_folders);
    }
    order.sandbox = plugin.isolation == Isolation::sandbox;
    order.network = plugin.network;
    const auto& limits = plugin.limits;
    order.memory_bytes = limits.memory_bytes;
    order.file_bytes = limits.file_bytes;
    order.temp_bytes = limits.temp_bytes;
    order.processes = limits.processes;
    order.cpu_seconds = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(limits.cpu).count());
    order.uid = own_uid(place);
    return order;
}

Result<std::string> find_program(const std::string& word) {
    if (word.find('/') != std::string::npos) {
        if (::access(word.c_str(), X_OK) == 0) return word;
        return not_found(word + " cannot be run");
    }
    const std::string folders = program_folders;
    for (std::size_t begin = 0; begin <= folders.size();) {
        const auto end = std::min(folders.find(':', begin), folders.size());
        auto path = folders.substr(begin, end - begin) + "/" + word;
        if (::access(path.c_str(), X_OK) == 0) return path;
        begin = end + 1;
    }
    return not_found(fmt::format("there is no {} in {}", word, folders));
}

std::vector<std::string> installation_of(const std::string& program) {
    std::vector<std::string> found{program};
    std::error_code ec;
    const auto real = fs::canonical(program, ec);
    if (ec) return found;
    found.push_back(real.string());
    // PREFIX/bin/python3.11 has its library in PREFIX/lib. Not the whole prefix: it may be somebody's home.
    const auto prefix = real.parent_path().parent_path();
    if (real.parent_path().filename() != "bin" || prefix == "/" || prefix == "/usr") return found;
    for (const auto* part : {"bin", "lib", "lib64"})
        if (auto folder = prefix / part; fs::is_directory(folder, ec)) found.push_back(folder.string());
    return found;
}

} // namespace loom
