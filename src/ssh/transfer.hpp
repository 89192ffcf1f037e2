#pragma once
#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/base/limits.hpp"
#include "core/task/remote.hpp"
#include "ssh/local_hashes.hpp"
#include "ssh/sftp.hpp"

#include <functional>
#include <map>

namespace loom {

/// What a transfer needs of its surroundings.
struct TransferPlace {
    std::shared_ptr<Session> session;
    Executor blocking; ///< for local files
    std::string home;  ///< where a local `~/` leads
    std::shared_ptr<LocalHashes> hashes; ///< what all nodes share
};

/// What put and get have in common: the conversation, the deadline and the stop, the report, and how it all ended.
/// Lives on the session's strand, within the coroutine that runs it.
class Transfer {
public:
    Transfer(TransferPlace place, Timeouts timeout, StopToken stop);

    /// Opens SFTP, does the work, closes; the outcome is what was reported below.
    awaitable<Outcome> run(std::function<awaitable<void>()> work);

    Sftp sftp;

    /// Whether to leave off: a stop, the deadline, a dead link, too many failures.
    bool over() const { return interrupted_ || dead_ || failures_ >= limits::transfer_failures; }
    bool interrupted() const { return interrupted_; }

    void say(const std::string& line);
    void transferred(std::string_view verb, const std::string& path, std::uint64_t bytes);
    void unchanged(const std::string& path);
    /// A look only: what would be done to the path.
    void would(std::string_view verb, const std::string& path);
    void changed() { ++changes_; } ///< something else than a file's bytes

    /// A failure of one path; the first one becomes the outcome's message.
    void fail(const std::string& path, const std::string& why);
    /// True for 0; otherwise reports the code as the path's failure, or that the link is dead.
    bool good(SftpCode code, const std::string& path);
    /// From now on there is little time: whatever goes on must end within the grace. For cleaning up after a failure.
    void hurry();
    /// The cleaning up is done.
    void calm();

    /// SHA-256 of the node's files by one command for many of them; paths are absolute. Missing where it cannot be told.
    awaitable<std::map<std::string, std::string>> remote_hashes(std::vector<std::string> paths);
    /// A node's path made absolute: from the login's folder where it is relative or begins with `~/`. A `/` at the end stays.
    awaitable<std::string> absolute(std::string path);

    template <class F>
    auto local(F work) {
        return offload(place_.blocking, std::move(work));
    }
    awaitable<Result<std::string>> local_hash(LocalEntry file) { return place_.hashes->hash(std::move(file), inner_); }
    std::string home() const { return place_.home; }
    std::shared_ptr<const std::atomic<bool>> given_up() const { return given_up_; }

private:
    void interrupt(StopReason reason, std::string why);
    awaitable<bool> open();
    void conclude();

    TransferPlace place_;
    Timeouts timeout_;
    StopToken stop_;
    StopToken inner_; ///< for what the transfer waits for beside SFTP
    Outcome outcome_;
    OutputBuffer output_;
    std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
    bool interrupted_ = false;
    bool looked_ = false; ///< only, and what was not done is told
    bool dead_ = false; ///< nothing more can be asked of the server
    bool lost_ = false; ///< because the link is dead
    StopReason reason_ = StopReason::none;
    std::string why_, first_failure_, login_folder_;
    std::size_t failures_ = 0, changes_ = 0, files_ = 0, unchanged_ = 0;
    std::uint64_t bytes_ = 0;
    std::optional<Deadline> limit_; ///< bounds everything after an interruption or a failure
};

/// Eight random letters, so that two writers of one name do not meet.
std::string random_letters();

} // namespace loom
