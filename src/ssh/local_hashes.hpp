#pragma once
#include "core/async/stop.hpp"
#include "core/base/error.hpp"
#include "ssh/local_files.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace loom {

/// The SHA-256 of local files, each read once however many nodes ask for it, and again when it changed. Any thread; at
/// most limits::hashes_kept are remembered.
class LocalHashes : public std::enable_shared_from_this<LocalHashes> {
public:
    explicit LocalHashes(Executor blocking) : blocking_(std::move(blocking)) {}

    /// The hash of a regular file that was listed. Called on a strand. A stop ends the wait with an Error that nobody
    /// reads; the file is read on for the others that wait for it.
    awaitable<Result<std::string>> hash(LocalEntry file, StopToken stop);

    /// Whether a later change is sure to show in the stamp. False within a tick of the kernel's clock after a change:
    /// what was hashed then is not remembered.
    static bool settled(const FileStamp& stamp);

private:
    struct Work;
    struct Kept {
        FileStamp stamp;
        std::string hash;
    };
    void carry_out(const std::string& path, const std::shared_ptr<Work>& work);

    const Executor blocking_;
    std::mutex mutex_;
    std::unordered_map<std::string, Kept> kept_;
    std::unordered_map<std::string, std::shared_ptr<Work>> running_;
};

} // namespace loom
