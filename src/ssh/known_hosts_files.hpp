#pragma once
#include "core/base/error.hpp"
#include "ssh/known_hosts.hpp"

#include <memory>
#include <mutex>

namespace loom {

/// The known_hosts files on disk: those that are only read, and Loom's own, to which new keys are appended.
/// Every call blocks on files (use the blocking pool); any thread. A file is read anew when it changed.
class KnownHostsFiles {
public:
    KnownHostsFiles(std::vector<std::string> read_only, std::string own);

    /// What the files say now. A file that is not there says nothing; one that cannot be read is an error, as it might
    /// revoke the key.
    Result<HostRecord> find(const HostNames& names);

    /// Appends the key of a host that is still unknown and answers `known`; another daemon or session may have been
    /// faster, so the verdict is taken again under the file's lock.
    Result<HostCheck> accept(const HostNames& names, const HostKey& key);

private:
    struct Stamp {
        long long seconds = 0, nanoseconds = 0, bytes = -1;
        unsigned long long inode = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    Result<std::shared_ptr<const KnownHosts>> current();
    static Result<Stamp> stamp_of(const std::string& file);

    std::vector<std::string> files_; ///< the own one last
    std::string own_;
    std::mutex mutex_;
    std::vector<Stamp> stamps_;
    std::shared_ptr<const KnownHosts> known_;
};

} // namespace loom
