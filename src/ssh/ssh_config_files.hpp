#pragma once
#include "ssh/ssh_config.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace loom {

/// Which ssh_config files are read, in this order. A path that is empty: not read.
struct SshConfigPaths {
    std::string user;
    std::string system;
    std::string home;            ///< what `~` means, and the home of `~/.ssh`
    bool user_required = false;  ///< was named by somebody: must exist, and may be anybody's, as with `ssh -F`
};

/// The parsed ssh_config, read at the first call and anew whenever one of its files, or what an Include leads to, has
/// changed. Blocks on files (use the blocking pool); any thread.
class SshConfigFiles {
public:
    explicit SshConfigFiles(SshConfigPaths paths) : paths_(std::move(paths)) {}

    /// Never null. A file that cannot be read refuses the hosts that it would apply to.
    std::shared_ptr<const SshConfig> current();

private:
    /// What a file or an Include pattern was when it was read.
    struct Seen {
        long long seconds = 0, nanoseconds = 0, bytes = -1;
        unsigned long long inode = 0;
        std::vector<std::string> paths; ///< of a pattern

        friend bool operator==(const Seen&, const Seen&) = default;
    };
    static Seen look_at(const std::string& file);
    static std::vector<std::string> expand(const std::string& pattern);
    bool unchanged() const;
    void read();
    Result<std::string> read_text(const std::string& file, bool guarded);

    const SshConfigPaths paths_;
    std::mutex mutex_;
    std::shared_ptr<const SshConfig> config_;
    std::map<std::string, Seen> files_, patterns_;
};

} // namespace loom
