#pragma once
#include "core/base/error.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace loom {

/// Whom a line is asked about.
struct SshTarget {
    std::string name;       ///< what `ssh NAME` would be given: the node's name
    std::string address;    ///< said by the node itself, in place of HostName; empty: not said
    std::string user;       ///< said by the node itself; empty: not said
    std::string local_user; ///< who logs in when nobody says otherwise
};

/// What ssh_config says of one host: the first value of each keyword, as written, with its place. An Absent value was
/// not said.
struct SshSettings {
    struct Value {
        std::vector<std::string> words; ///< one, but for the known_hosts files
        std::string place;              ///< `~/.ssh/config:5`

        const std::string& text() const { return words.front(); }
    };
    using Maybe = std::optional<Value>;

    Maybe host_name, port, user, identities_only, identity_agent, user_known_hosts, global_known_hosts, host_key_alias,
        strict_host_key_checking, connect_timeout, server_alive_interval;
    std::vector<Value> identity_files, certificate_files;
    Maybe proxy_jump, proxy_command; ///< at most one of them: the one that came first
};

/// A line that will not do what its author expects.
struct SshConfigWarning {
    std::string place, message;

    friend bool operator==(const SshConfigWarning&, const SshConfigWarning&) = default;
};

/// ssh_config(5) files, parsed: first value wins, `Host`, `Match`, `Include`. Immutable once made; then any thread.
/// Nothing here touches the disk. Asking for one host costs the lines whose patterns may match it, not the whole file:
/// blocks of plain names are found by hash.
class SshConfig {
public:
    struct File {
        std::string path;
        Result<std::string> text = std::string();
    };
    /// What an `Include` pattern leads to, in order; a pattern that matches nothing gives nothing.
    using Include = std::function<std::vector<File>(const std::string& pattern)>;
    struct Source {
        File file;
        std::string folder; ///< where relative includes start: `~/.ssh` or `/etc/ssh`
    };

    SshConfig() = default;
    /// Files in the order they are asked: the user's, then the system's. `home` is what `~` means, and how places are
    /// shown.
    SshConfig(const std::vector<Source>& sources, const std::string& home, const Include& include);

    /// Errc::config, with the place, where a line that applies to the host cannot be obeyed.
    Result<SshSettings> find(const SshTarget& target) const;
    const std::vector<SshConfigWarning>& warnings() const { return warnings_; }
    /// What `Host` lines say in full, patterns and negations left out, in order.
    std::vector<std::string> plain_host_names() const;

    // The parsed form: made by SshConfigParser, read by find.
    enum class Keyword : std::uint8_t {
        host_name, port, user, identity_file, identities_only, identity_agent, certificate_file, proxy_jump, proxy_command,
        user_known_hosts, global_known_hosts, host_key_alias, strict_host_key_checking, connect_timeout,
        server_alive_interval,
        broken, ///< its word says what is wrong with the line
    };
    struct Line {
        Keyword keyword;
        std::vector<std::string> words;
        std::uint32_t file, number;
    };
    struct Criterion {
        enum class Kind : std::uint8_t { host_pattern, host, original_host, user, local_user, never };
        Kind kind;
        bool negated = false;
        std::string patterns;
    };
    /// Lines that apply together.
    struct Block {
        static constexpr std::uint32_t none = ~0u;
        std::uint32_t parent = none;  ///< must apply as well: the block that includes this one's file
        std::uint32_t same_as = none; ///< goes on after an include: applies where that block did
        bool host_line = false;       ///< criteria are alternatives with exclusions, not conditions
        std::vector<Criterion> criteria;
        std::vector<Line> lines;
    };

private:
    friend class SshConfigParser;
    bool applies(const Block& block, const SshTarget& target, const SshSettings& so_far) const;
    std::string place(const Line& line) const;
    void index();

    std::vector<std::string> files_; ///< as shown
    std::vector<Block> blocks_;
    std::vector<SshConfigWarning> warnings_;
    std::vector<std::uint32_t> always_; ///< blocks to look at for any host
    std::unordered_map<std::string, std::vector<std::uint32_t>> literal_; ///< blocks that only this name can bring in
};

} // namespace loom
