#pragma once
#include "ssh/ssh_config.hpp"

#include <set>

namespace loom {

/// Fills an SshConfig, line by line.
class SshConfigParser {
public:
    SshConfigParser(SshConfig& into, const std::string& home, const SshConfig::Include& include)
        : into_(into), home_(home), include_(include) {}

    void read(const SshConfig::Source& source);

private:
    /// The file and line that are being read.
    struct Where {
        const std::string& folder;
        std::uint32_t file;
        std::uint32_t number;
        std::size_t depth;
    };

    void read_file(const SshConfig::File& file, const std::string& folder, std::uint32_t parent, std::size_t depth);
    void read_line(Where& where, std::string_view line, std::uint32_t parent);
    void host_line(const Where& where, const std::vector<std::string>& words, std::uint32_t parent);
    void match_line(const Where& where, std::string_view rest, std::uint32_t parent);
    void include_line(const Where& where, const std::vector<std::string>& words);
    void value_line(const Where& where, const std::string& keyword, std::string_view rest, std::vector<std::string> words);
    void other_keyword(const Where& where, const std::string& keyword, const std::vector<std::string>& words);

    SshConfig::Block& begin(std::uint32_t parent);
    void add(const Where& where, SshConfig::Keyword keyword, std::vector<std::string> words);
    /// The host is refused for which this line applies, as ssh refuses to start.
    void refuse(const Where& where, std::string message);
    void warn(const Where& where, const std::string& about, std::string message);

    SshConfig& into_;
    const std::string& home_;
    const SshConfig::Include& include_;
    std::set<std::string> warned_;           ///< keywords: one word about each is enough
    std::vector<std::string> ignore_unknown_; ///< patterns of IgnoreUnknown
};

} // namespace loom
