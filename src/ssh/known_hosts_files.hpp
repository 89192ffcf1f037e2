#pragma once
#include "core/base/error.hpp"
#include "ssh/files.hpp"
#include "ssh/known_hosts.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace loom {

/// The known_hosts files on disk: those that are only read, which may differ from host to host (`files`), and Loom's
/// own, read after them, to which new keys are appended.
/// Every call blocks on files (use the blocking pool); any thread. A file is read anew when it changed.
class KnownHostsFiles {
public:
    using Paths = std::vector<std::string>;

    explicit KnownHostsFiles(std::string own) : own_(std::move(own)) {}

    /// What the files say now. A file that is not there says nothing; one that cannot be read is an error, as it might
    /// revoke the key.
    Result<HostRecord> find(const HostNames& names, const Paths& files);

    /// Appends the key of a host that is still unknown and answers `known`; another daemon or session may have been
    /// faster, so the verdict is taken again under the file's lock.
    Result<HostCheck> accept(const HostNames& names, const HostKey& key, const Paths& files);

    /// Appends a key that a person has approved: of an unknown host, or of one that only an authority vouches for. With
    /// `replace`, takes Loom's own lines of other keys for the host away first, in one step with the appending. The
    /// verdict that remains is the answer: `changed` where another file's line, or one that names more than this
    /// host, stands in the way.
    Result<HostCheck> trust(const HostNames& names, const HostKey& key, const Paths& files, bool replace);

private:
    struct Kept {
        FileStamp stamp;
        std::shared_ptr<const KnownHosts> known;
        KnownHosts appended; ///< by this process since the file was read; under the mutex
        std::size_t lines = 0;
    };
    static Result<FileStamp> stamp_of(const std::string& file);
    /// What one file says; nothing where it is not there.
    Result<HostRecord> find_in(const std::string& file, const HostNames& names);
    Result<void> append(int descriptor, std::string line);
    Result<void> take_away(int descriptor, const HostNames& names, const HostKey& key, const HostRecord& record) const;

    const std::string own_;
    std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

} // namespace loom
