#include "ssh/ssh_config_files.hpp"

#include "core/base/log.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <glob.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {

FileStamp SshConfigFiles::look_at(const std::string& file) {
    struct stat status {};
    return ::stat(file.c_str(), &status) == 0 ? FileStamp(status) : FileStamp();
}

std::vector<std::string> SshConfigFiles::expand(const std::string& pattern) {
    std::vector<std::string> paths;
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    return paths;
}

Result<std::string> SshConfigFiles::read_text(const std::string& name, bool guarded) {
    files_[name] = look_at(name); // before the text: a change in between is seen the next time
    const OpenFile file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.descriptor < 0) return file_error("read", name, errno);
    struct stat status {};
    if (::fstat(file.descriptor, &status) != 0) return file_error("read", name, errno);
    const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
    if (guarded && (!ours || (status.st_mode & 022) != 0))
        return Error{Errc::denied, fmt::format("{} can be written by others, so it is not trusted; run: chmod 600 {}", name, name)};
    return read_whole_file(file, name);
}

void SshConfigFiles::read() {
    files_.clear();
    patterns_.clear();
    bool guarded = false;
    const SshConfig::Include include = [this, &guarded](const std::string& pattern) {
        auto paths = expand(pattern);
        patterns_[pattern] = paths;
        std::vector<SshConfig::File> files;
        for (auto& path : paths) {
            auto text = read_text(path, guarded);
            files.push_back({std::move(path), std::move(text)});
        }
        return files;
    };
    std::vector<SshConfig::Source> sources;
    const auto add = [&](const std::string& path, const std::string& folder, bool required, bool private_file) {
        if (path.empty()) return;
        auto text = read_text(path, private_file);
        if (!required && files_[path].bytes < 0) return;
        sources.push_back({{path, std::move(text)}, folder});
    };
    guarded = !paths_.user_required && !paths_.user.empty();
    add(paths_.user, paths_.home + "/.ssh", paths_.user_required, guarded);
    add(paths_.system, "/etc/ssh", false, false);
    config_ = std::make_shared<const SshConfig>(sources, paths_.home, include);
}

bool SshConfigFiles::unchanged() const {
    return std::ranges::all_of(files_, [](const auto& file) { return look_at(file.first) == file.second; }) &&
           std::ranges::all_of(patterns_, [](const auto& pattern) { return expand(pattern.first) == pattern.second; });
}

std::shared_ptr<const SshConfig> SshConfigFiles::current(FileLook& look) {
    const auto lock = look.lock(mutex_);
    if (!lock) return nullptr;
    if (config_ && look.recent(compared_)) return config_;
    if (!look.may_ask()) return nullptr;
    compared_ = std::chrono::steady_clock::now();
    if (config_ && unchanged()) return config_;
    const auto before = config_;
    read();
    // What stood there at the start is told by whoever loads the configuration.
    if (before)
        for (const auto& warning : config_->warnings())
            if (std::ranges::find(before->warnings(), warning) == before->warnings().end())
                logs::ssh.warn({}, "{}: {}", warning.place, warning.message);
    return config_;
}

} // namespace loom
