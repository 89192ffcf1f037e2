#include "app/files/secret_source.hpp"

#include "app/files/text_file.hpp"
#include "app/process/command_output.hpp"
#include "core/base/limits.hpp"

#include <cstdlib>
#include <spdlog/fmt/fmt.h>
#include <vector>

namespace loom {
namespace {

Error wrong(std::string message) { return {Errc::config, std::move(message)}; }

Secret without_line_end(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return Secret(std::move(text));
}

Result<Secret> from_file(const std::string& path) {
    auto file = read_text_file(path, limits::secret_bytes);
    if (!file) return file.error();
    if (file->others_can_read) return wrong(fmt::format("the secret file {} can be read by others: chmod 600 {}", path, path));
    return without_line_end(std::move(file->text));
}

Result<Secret> from_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    if (!value) return wrong(fmt::format("the environment variable {} is not set", name));
    return Secret(value);
}

} // namespace

Result<Secret> read_secret(const boost::json::object& source) {
    if (const auto* file = source.if_contains("file")) return from_file(std::string(file->as_string()));
    if (const auto* name = source.if_contains("env")) return from_environment(std::string(name->as_string()));
    std::vector<std::string> words;
    for (const auto& word : source.at("command").as_array()) words.emplace_back(word.as_string());
    auto text = command_output(words, {"the secret command", limits::secret_command_time, limits::secret_bytes, false});
    if (!text) return text.error();
    return without_line_end(std::move(*text));
}

} // namespace loom
