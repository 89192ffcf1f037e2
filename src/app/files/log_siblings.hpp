#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace loom {

// Names of the files that belong to one job's log. Pure.

/// `x.log` → `x.log.20261129T031500Z`: whence it was renamed, by its UTC time to the second.
std::string rotated_name(std::string_view name, std::int64_t unix_seconds);

/// Whether `other` is an older file of the log that now writes `name`: renamed from it, or from one whose name differs only
/// where `name` holds the run's id or instant, or such a file itself. Never `name`.
bool is_older_file(std::string_view other, std::string_view name, std::string_view run, std::string_view due);

} // namespace loom
