#pragma once
#include "core/base/error.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

// What a transfer decides without waiting: names, and what the node's hashing program said. Pure.

/// Why a name that a server sent may not become one name of a local path; nothing when it may. `.` and `..`, a slash, a
/// NUL, nothing at all and more than 255 bytes are refused: a hostile server escapes by them.
std::optional<std::string> name_fault(std::string_view name);

/// `/var/log/` → `log`; nothing for `/`, `.`, `..` and what ends in them.
std::optional<std::string> base_name(std::string_view path);
std::string join_path(std::string_view folder, std::string_view name);

/// What each of several sources is called where it goes: its base name, or nothing for `folder/`, whose entries go there
/// themselves. An Errc::usage error where one has no name or two have the same.
Result<std::vector<std::string>> landing_names(std::span<const std::string> sources);

/// A name beside `path` for what is not whole yet: `/etc/.motd.loom-1a2b3c4d`. `random` keeps two writers apart.
std::string temporary_path(std::string_view path, std::string_view random);

/// A shell line for the node that prints one line for each file, its SHA-256 by whichever of sha256sum, shasum and openssl
/// there is; it fails where there is none. Nothing where a path cannot be quoted.
std::optional<std::string> hash_command(std::span<const std::string> paths);

/// The hashes of `count` files in the order of the command; an empty text where a file could not be read. Nothing at all
/// when the answer is not what the command prints.
std::optional<std::vector<std::string>> read_hashes(std::string_view text, std::size_t count);

} // namespace loom
