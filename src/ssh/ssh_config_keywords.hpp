#pragma once
#include "ssh/ssh_config.hpp"

namespace loom {

/// What Loom makes of a keyword of ssh_config(5), given in lower case.
struct SshKeyword {
    enum class Kind : std::uint8_t {
        unknown,  ///< no keyword of OpenSSH
        harmless, ///< does not change who is reached, or how: passed over
        ignored,  ///< would, and Loom cannot obey: a warning, unless the value is the harmless one
        obeyed,
    };
    Kind kind = Kind::unknown;
    SshConfig::Keyword obeyed = SshConfig::Keyword::broken;
    std::string_view harmless_value; ///< of an ignored one
};

SshKeyword find_ssh_keyword(std::string_view name);

/// All names, for a near one.
std::vector<std::string> ssh_keyword_names();

/// What is wrong with a value, in words; empty: nothing.
std::string value_fault(SshConfig::Keyword keyword, const std::vector<std::string>& words);

} // namespace loom
