#include "ssh/known_hosts_files.hpp"

#include "ssh/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {

KnownHostsFiles::KnownHostsFiles(std::vector<std::string> read_only, std::string own)
    : files_(std::move(read_only)), own_(std::move(own)) {
    if (!own_.empty()) files_.push_back(own_);
}

Result<KnownHostsFiles::Stamp> KnownHostsFiles::stamp_of(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return Stamp{};
        return file_error("read", file, errno);
    }
    Stamp stamp;
    stamp.seconds = status.st_mtim.tv_sec;
    stamp.nanoseconds = status.st_mtim.tv_nsec;
    stamp.bytes = status.st_size;
    stamp.inode = status.st_ino;
    return stamp;
}

Result<std::shared_ptr<const KnownHosts>> KnownHostsFiles::current() {
    const std::lock_guard lock(mutex_);
    std::vector<Stamp> stamps;
    for (const auto& file : files_) {
        auto stamp = stamp_of(file);
        if (!stamp) return stamp.error();
        stamps.push_back(*stamp);
    }
    if (known_ && stamps == stamps_) return known_;
    const auto fresh = std::make_shared<KnownHosts>();
    for (std::size_t i = 0; i < files_.size(); ++i) {
        if (stamps[i].bytes < 0) continue;
        const auto text = read_whole_file(files_[i]);
        if (!text) return text.error();
        fresh->add(files_[i], *text);
    }
    stamps_ = std::move(stamps);
    known_ = fresh;
    return known_;
}

Result<HostRecord> KnownHostsFiles::find(const HostNames& names) {
    const auto known = current();
    if (!known) return known.error();
    return (*known)->find(names);
}

Result<HostCheck> KnownHostsFiles::accept(const HostNames& names, const HostKey& key) {
    auto line = known_hosts_line(names, key);
    if (line.empty() || own_.empty())
        return Error{Errc::unavailable, fmt::format("there is no place to record the host key of {}", names.address)};
    const OpenFile file(::open(own_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    // flock works between descriptors, so it also keeps the threads of this process apart.
    if (file.descriptor < 0 || ::flock(file.descriptor, LOCK_EX) != 0) return file_error("write", own_, errno);

    const auto record = find(names);
    if (!record) return record.error();
    const auto check = judge(*record, key);
    if (check.verdict != HostVerdict::unknown) return check;

    // A line that a crash cut short must not swallow the new one.
    const auto size = ::lseek(file.descriptor, 0, SEEK_END);
    char last = '\n';
    if (size > 0 && ::pread(file.descriptor, &last, 1, size - 1) == 1 && last != '\n') line.insert(0, 1, '\n');
    const auto written = ::write(file.descriptor, line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) return file_error("write", own_, written < 0 ? errno : ENOSPC);
    return HostCheck{HostVerdict::known, own_};
}

} // namespace loom
