#pragma once
#include "core/base/error.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// Where `@…` in a NodeSet expression leads. `term` is what follows the @: a group's name, `*`, `label:key=value` or
/// `failed:RUN`; nothing when it is unknown.
using GroupLookup = std::function<std::optional<std::vector<std::string>>(std::string_view term)>;

/// Expands a ClusterShell NodeSet expression (`web[01-20/2],db1!@quarantine`) to names in natural order, each once.
/// Errors name the column and what was expected (Errc::usage); one of an unknown @group (Errc::not_found) the near name,
/// if `group_names` holds one. At most limits::nodeset_nodes names.
Result<std::vector<std::string>> expand_nodeset(std::string_view expression, const GroupLookup& lookup = {},
                                                std::span<const std::string> group_names = {});

/// The shortest spelling: `web[001-790]`, several patterns joined by commas, names in natural order.
std::string fold_nodeset(std::span<const std::string> names);

/// Natural order: runs of digits compare as numbers, then as text (`n2 < n10`, `n01 < n1`).
bool natural_less(std::string_view a, std::string_view b);

} // namespace loom
