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
/// Any thread; every call but a `find` at hand blocks on files. A file is read anew when it changed.
class KnownHostsFiles {
public:
    using Paths = std::vector<std::string>;

    explicit KnownHostsFiles(std::string own) : own_(std::move(own)) {}

    /// What the files say now. A file that is not there says nothing; one that cannot be read is an error, as it might
    /// revoke the key.
    Result<HostRecord> find(const HostNames& names, const Paths& files, FileLook& look);
    Result<HostRecord> find(const HostNames& names, const Paths& files) {
        auto look = FileLook::disk();
        return find(names, files, look);
    }

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
        std::chrono::steady_clock::time_point compared; ///< with the disk
        std::shared_ptr<const KnownHosts> known; ///< null: there is no such file
        KnownHosts appended; ///< by this process since the file was read; under the mutex
        std::size_t lines = 0;
    };
    static Result<FileStamp> stamp_of(const std::string& file);
    static Result<void> compare(const std::string& file, Kept& kept);
    /// What one file says; nothing where it is not there.
    Result<HostRecord> find_in(const std::string& file, const HostNames& names, FileLook& look);
    Result<void> append(int descriptor, std::string line);
    Result<void> take_away(int descriptor, const HostNames& names, const HostKey& key, const HostRecord& record) const;

    const std::string own_;
    std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

} // namespace loom
