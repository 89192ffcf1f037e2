#pragma once
#include "core/base/error.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

// How a line of ssh_config(5) falls into words. Pure; as OpenSSH's strdelim and argv_split do it.

/// The next word: ends at white space, a quote, or one `=` where `equals` says so. Nothing at the end, and where a
/// quote is not closed.
std::optional<std::string> next_delimited(std::string_view& rest, bool equals = true);

/// The words of a value, with quotes and escapes undone, up to a comment. Nothing where a quote is not closed.
std::optional<std::vector<std::string>> split_config_words(std::string_view value);

/// `90`, `1h30m`, `none` (gives nothing within); an error is no time.
std::optional<std::optional<std::chrono::seconds>> ssh_time(std::string_view text);

/// A letter → what `%letter` stands for.
using SshTokens = std::map<char, std::string>;

/// Puts the tokens in, once; `%%` is a percent sign. An error names a token that is not known.
Result<std::string> expand_tokens(std::string_view text, const SshTokens& tokens);

/// Puts `${NAME}` in from the environment; an error names a variable that is not set.
Result<std::string> expand_variables(std::string_view text, const std::map<std::string, std::string>& environment);

/// One host of a `ProxyJump` list or of a node's `jump`: `[user@]host[:port]`, an IPv6 address in brackets where a port
/// follows, or `ssh://…` of the same.
struct JumpHost {
    std::string user; ///< empty: not said
    std::string host;
    unsigned short port = 0; ///< 0: not said

    friend bool operator==(const JumpHost&, const JumpHost&) = default;
};

/// The hosts of `a,b,c`, the first one dialled first; none for `none`.
Result<std::vector<JumpHost>> read_jump(std::string_view text);

} // namespace loom
