#include "ssh/transfer_paths.hpp"

#include "core/base/quote.hpp"

#include <algorithm>
#include <set>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::size_t name_max = 255; ///< NAME_MAX of every file system that nodes have

bool hexadecimal(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// `HASH  -` of sha256sum and shasum, `SHA2-256(stdin)= HASH` of openssl.
std::string hash_in(std::string_view line) {
    constexpr std::size_t digits = 64;
    if (line.size() < digits) return {};
    for (const auto found : {line.substr(0, digits), line.substr(line.size() - digits)})
        if (hexadecimal(found)) return std::string(found);
    return {};
}

} // namespace

std::optional<std::string> name_fault(std::string_view name) {
    if (name.empty()) return "it is empty";
    if (name == "." || name == "..") return "it leads out of its folder";
    if (name.find('/') != name.npos) return "it holds a slash";
    if (name.find('\0') != name.npos) return "it holds a NUL byte";
    if (name.size() > name_max) return "it is longer than 255 bytes";
    return std::nullopt;
}

std::optional<std::string> base_name(std::string_view path) {
    while (path.ends_with('/')) path.remove_suffix(1);
    const auto slash = path.rfind('/');
    const auto name = slash == path.npos ? path : path.substr(slash + 1);
    if (name_fault(name) || name == "~") return std::nullopt;
    return std::string(name);
}

std::string join_path(std::string_view folder, std::string_view name) {
    std::string path(folder);
    if (name.empty()) return path;
    if (!path.empty() && !path.ends_with('/')) path += '/';
    return path.append(name);
}

Result<std::vector<std::string>> landing_names(std::span<const std::string> sources) {
    std::vector<std::string> names;
    std::set<std::string> taken;
    for (const auto& source : sources) {
        if (source.ends_with('/')) {
            names.emplace_back();
            continue;
        }
        const auto name = base_name(source);
        if (!name) return usage_error(fmt::format("{} has no name of its own; end it with / to mean what it holds", source));
        if (!taken.insert(*name).second) return usage_error(fmt::format("two sources are called {}", *name));
        names.push_back(*name);
    }
    return names;
}

std::string temporary_path(std::string_view path, std::string_view random) {
    const auto slash = path.rfind('/');
    const auto folder = slash == path.npos ? std::string_view() : path.substr(0, slash + 1);
    const auto name = path.substr(folder.size());
    return fmt::format("{}.{}.loom-{}", folder, name.substr(0, name_max - 32), random);
}

std::optional<std::string> hash_command(std::span<const std::string> paths) {
    const auto quoted = shell_join(paths);
    if (!quoted) return std::nullopt;
    // Each file is given as standard input: then no name can be taken for an option or change the form of the answer.
    const auto script = "if command -v sha256sum; then h() { sha256sum; }; elif command -v shasum; then h() { shasum -a 256; }; "
                        "elif command -v openssl; then h() { openssl dgst -sha256; }; else exit 127; fi >/dev/null 2>&1; "
                        "for f in " + *quoted + "; do { h <\"$f\"; } 2>/dev/null || echo; done";
    // Whatever the login shell is, this is for the POSIX one.
    const auto word = shell_quote(script);
    if (!word) return std::nullopt;
    return "exec /bin/sh -c " + *word;
}

std::optional<std::vector<std::string>> read_hashes(std::string_view text, std::size_t count) {
    std::vector<std::string> hashes;
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == text.npos || hashes.size() == count) return std::nullopt;
        const auto line = text.substr(0, end);
        hashes.push_back(hash_in(line));
        if (!line.empty() && hashes.back().empty()) return std::nullopt;
        text.remove_prefix(end + 1);
    }
    if (hashes.size() != count) return std::nullopt;
    return hashes;
}

} // namespace loom
