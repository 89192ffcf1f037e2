#include "ssh/known_hosts_files.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"
#include "ssh/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <set>
#include <spdlog/fmt/fmt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {

namespace {

Result<void> write_all(int descriptor, const std::string& text, const std::string& file) {
    const auto written = ::write(descriptor, text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) return file_error("write", file, written < 0 ? errno : ENOSPC);
    return {};
}

/// Loom's own file under its lock. The file may be replaced by a newer one while the lock is waited for: then that one.
class LockedFile {
public:
    explicit LockedFile(const std::string& name) {
        for (int i = 0; i < 100 && !file_; ++i) {
            file_.emplace(::open(name.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
            // flock works between descriptors, so it also keeps the threads of this process apart.
            if (file_->descriptor < 0 || ::flock(file_->descriptor, LOCK_EX) != 0) return;
            struct stat mine {}, present {};
            if (::fstat(file_->descriptor, &mine) != 0) return;
            if (::stat(name.c_str(), &present) == 0 && present.st_ino == mine.st_ino) locked_ = true;
            else file_.reset();
        }
    }
    bool locked() const { return locked_; }
    int descriptor() const { return file_->descriptor; }

private:
    std::optional<OpenFile> file_;
    bool locked_ = false;
};

} // namespace

Result<FileStamp> KnownHostsFiles::stamp_of(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) return FileStamp(status);
    if (errno == ENOENT || errno == ENOTDIR) return FileStamp();
    return file_error("read", file, errno);
}

/// Makes what is kept of the file what stands on the disk now.
Result<void> KnownHostsFiles::compare(const std::string& file, Kept& kept) {
    const auto now = std::chrono::steady_clock::now();
    const auto stamp = stamp_of(file);
    if (!stamp) return stamp.error();
    if (stamp->bytes < 0) {
        kept = Kept();
    } else if (!kept.known || kept.stamp != *stamp) {
        const auto text = read_whole_file(file);
        if (!text) return text.error();
        const auto fresh = std::make_shared<KnownHosts>();
        kept = Kept();
        kept.lines = fresh->add(file, *text);
        kept.stamp = *stamp;
        kept.known = fresh;
    }
    kept.compared = now;
    return {};
}

Result<HostRecord> KnownHostsFiles::find_in(const std::string& file, const HostNames& names, FileLook& look) {
    std::shared_ptr<const KnownHosts> known;
    HostRecord appended;
    {
        const auto lock = look.lock(mutex_);
        if (!lock) return HostRecord();
        // A file for each host (`%h` in UserKnownHostsFile) is cheap to read and not worth keeping by the thousand.
        if (kept_.size() > limits::known_hosts_files) kept_.clear();
        auto& kept = kept_[file];
        if (!look.recent(kept.compared)) {
            if (!look.may_ask()) return HostRecord();
            if (auto done = compare(file, kept); !done) return done.error();
        }
        if (!kept.known) return HostRecord();
        known = kept.known;
        appended = kept.appended.find(names);
    }
    auto record = known->find(names);
    record.entries.insert(record.entries.end(), appended.entries.begin(), appended.entries.end());
    return record;
}

Result<HostRecord> KnownHostsFiles::find(const HostNames& names, const Paths& files, FileLook& look) {
    HostRecord record;
    std::set<std::string> seen;
    auto all = files;
    if (!own_.empty()) all.push_back(own_);
    for (const auto& file : all) {
        if (!seen.insert(file).second) continue;
        auto found = find_in(file, names, look);
        if (!found) return found;
        record.entries.insert(record.entries.end(), found->entries.begin(), found->entries.end());
    }
    return record;
}

Result<HostCheck> KnownHostsFiles::accept(const HostNames& names, const HostKey& key, const Paths& files) {
    auto line = known_hosts_line(names, key);
    if (line.empty() || own_.empty())
        return Error{Errc::unavailable, fmt::format("there is no place to record the host key of {}", names.address)};
    const LockedFile file(own_);
    if (!file.locked()) return file_error("write", own_, errno);
    failpoint("known_hosts.locked");
    const auto record = find(names, files);
    if (!record) return record.error();
    const auto check = judge(*record, key);
    if (check.verdict != HostVerdict::unknown) return check;
    if (auto done = append(file.descriptor(), std::move(line)); !done) return done.error();
    return HostCheck{HostVerdict::known, own_};
}

Result<HostCheck> KnownHostsFiles::trust(const HostNames& names, const HostKey& key, const Paths& files, bool replace) {
    auto line = known_hosts_line(names, key);
    if (line.empty() || own_.empty())
        return Error{Errc::unavailable, fmt::format("there is no place to record the host key of {}", names.address)};
    const LockedFile file(own_);
    if (!file.locked()) return file_error("write", own_, errno);
    auto record = find(names, files);
    if (!record) return record.error();
    auto check = judge(*record, key);
    if (check.verdict == HostVerdict::changed && replace) {
        if (auto done = take_away(file.descriptor(), names, key, *record); !done) return done.error();
        record = find(names, files);
        if (!record) return record.error();
        check = judge(*record, key);
        if (check.verdict == HostVerdict::known) return check;
    }
    if (check.verdict != HostVerdict::unknown && check.verdict != HostVerdict::authority) return check;
    if (auto done = append(file.descriptor(), std::move(line)); !done) return done.error();
    return HostCheck{HostVerdict::known, own_};
}

/// Under the file's lock. A fleet that is met for the first time appends a line for each node: the file as it was read is
/// amended, since reading it anew each time would be quadratic.
Result<void> KnownHostsFiles::append(int descriptor, std::string line) {
    struct stat before {}, after {};
    const bool looked = ::fstat(descriptor, &before) == 0;
    // A line that a crash cut short must not swallow the new one.
    const auto size = ::lseek(descriptor, 0, SEEK_END);
    char last = '\n';
    const bool cut = size > 0 && ::pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
    auto written = write_all(descriptor, cut ? "\n" + line : line, own_);
    failpoint("known_hosts.written");
    if (!written || cut || !looked || ::fstat(descriptor, &after) != 0) return written;
    const std::lock_guard lock(mutex_);
    const auto kept = kept_.find(own_);
    if (kept == kept_.end() || !kept->second.known || kept->second.stamp != FileStamp(before)) return written;
    kept->second.appended.add(own_, line, kept->second.lines++);
    kept->second.stamp = FileStamp(after);
    return written;
}

/// Puts a file without the host's other keys, and with the new one, in the place of Loom's own.
Result<void> KnownHostsFiles::take_away(int descriptor, const HostNames& names, const HostKey& key,
                                        const HostRecord& record) const {
    std::set<std::string> places;
    for (const auto& entry : record.entries) {
        if (entry.revoked || entry.authority || entry.portless || entry.key == key) continue;
        // As long as another file contradicts, Loom's own line would be lost for nothing.
        if (!entry.place.starts_with(own_ + ":")) return {};
        places.insert(entry.place);
    }
    const OpenFile old(::dup(descriptor));
    if (::lseek(old.descriptor, 0, SEEK_SET) != 0) return file_error("read", own_, errno);
    const auto text = read_whole_file(old, own_);
    if (!text) return text.error();
    std::string kept;
    std::size_t number = 0;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const bool gone = places.contains(fmt::format("{}:{}", own_, ++number));
        if (gone && !line.starts_with(listed_name(names) + " ")) return {}; // names others, too: a person's line
        if (!gone) kept.append(line).append("\n");
    }
    kept += known_hosts_line(names, key);
    const auto fresh = own_ + ".new";
    const OpenFile file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.descriptor < 0) return file_error("write", fresh, errno);
    if (auto done = write_all(file.descriptor, kept, fresh); !done) return done;
    if (::fsync(file.descriptor) != 0 || ::rename(fresh.c_str(), own_.c_str()) != 0) return file_error("write", own_, errno);
    return {};
}

} // namespace loom
