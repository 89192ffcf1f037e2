#pragma once
#include "ssh/files.hpp"
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
/// changed. Any thread.
class SshConfigFiles {
public:
    explicit SshConfigFiles(SshConfigPaths paths) : paths_(std::move(paths)) {}

    /// Never null, but for a look that missed. A file that cannot be read refuses the hosts that it would apply to.
    std::shared_ptr<const SshConfig> current(FileLook& look);
    std::shared_ptr<const SshConfig> current() {
        auto look = FileLook::disk();
        return current(look);
    }

private:
    static FileStamp look_at(const std::string& file);
    static std::vector<std::string> expand(const std::string& pattern);
    bool unchanged() const;
    void read();
    Result<std::string> read_text(const std::string& file, bool guarded);

    const SshConfigPaths paths_;
    std::mutex mutex_;
    std::shared_ptr<const SshConfig> config_;
    std::chrono::steady_clock::time_point compared_; ///< with the disk
    std::map<std::string, FileStamp> files_; ///< as they were when they were read
    std::map<std::string, std::vector<std::string>> patterns_; ///< and what they matched
};

} // namespace loom
