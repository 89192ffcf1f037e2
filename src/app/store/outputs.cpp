#include "app/store/outputs.hpp"

#include "core/base/failpoint.hpp"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace loom {

std::string OutputFiles::path(const std::string& hash) const { return folder_ + "/" + hash.substr(0, 2) + "/" + hash; }

/// Under another name first, so that a file with the right name is always whole.
Result<void> OutputFiles::write(const std::string& hash, std::string_view text) const {
    const auto path = this->path(hash);
    const auto folder = path.substr(0, path.rfind('/'));
    auto made = make_folder(folder);
    if (!made)
        return made.error();
    if (*made) {
        if (auto synced = sync_folder(folder_); !synced)
            return synced;
    }
    const auto part = path + ".part";
    auto file = File::open(part, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file)
        return file.error();
    if (auto written = file->write_at(0, text); !written)
        return written;
    if (auto synced = file->sync(); !synced)
        return synced;
    failpoint("output.part");
    if (std::rename(part.c_str(), path.c_str()) != 0)
        return file_error(path, "rename");
    failpoint("output.whole");
    return sync_folder(folder);
}

bool OutputFiles::has(const std::string& hash, std::size_t bytes) const {
    std::error_code error;
    return std::filesystem::file_size(path(hash), error) == bytes && !error;
}

Result<std::string> OutputFiles::read(const std::string& hash, std::size_t bytes) const {
    auto file = File::open(path(hash), O_RDONLY);
    if (!file)
        return file.error();
    return file->read_at(0, bytes);
}

Result<void> describe_outputs(const std::string& folder) {
    const auto path = folder + "/README";
    if (auto made = make_folder(folder); !made)
        return made.error();
    if (::access(path.c_str(), F_OK) == 0)
        return {};
    auto file = File::open(path, O_WRONLY | O_CREAT);
    if (!file)
        return file.error();
    return file->write_at(0, "The large outputs of nodes, each in a file that its SHA-256 names. The rest is in loom.db.\n");
}

} // namespace loom
