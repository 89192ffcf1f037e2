#pragma once
#include "core/base/error.hpp"

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// The words of a line as Python's shlex.split(line, comments=True) divides them: quotes, backslashes, and `#` begins a
/// comment wherever it stands outside quotes. Errc::usage: a quote is not closed.
Result<std::vector<std::string>> split_words(std::string_view line);

/// A Python literal as plain data (numbers, texts in quotes, True, False, None, lists, tuples and dicts of those), as
/// Ansible reads the values of an INI inventory; nothing when the text is none, and then it is text as it stands.
std::optional<boost::json::value> python_literal(std::string_view text);

/// `web[01:50].example.org`, `db-[a:f:2]`: Ansible's ranges, ends included, the first range slowest. Errc::usage when a
/// range is malformed or gives more than limits::nodeset_nodes names.
Result<std::vector<std::string>> expand_host_range(std::string_view pattern);

} // namespace loom
