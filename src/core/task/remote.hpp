#pragma once
#include "core/async/stop.hpp"
#include "core/base/error.hpp"
#include "core/model/become.hpp"
#include "core/model/job.hpp"
#include "core/model/node.hpp"
#include "core/task/output_buffer.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// One command for a node's shell.
struct ExecRequest {
    std::string command; ///< shell text for the login shell; with `become`, for /bin/sh
    std::string input;   ///< stdin; end of file follows
    Timeouts timeout;
    std::optional<Become> become; ///< the command and its kill run as this user
    bool pty = false;             ///< on a terminal: one stream, and lines that end in \r\n
    /// The node itself ends the command when the connection is lost. Takes the place of `input`; a terminal's hang-up
    /// does the same, so with `pty` nothing is added.
    bool end_with_link = false;
    std::shared_ptr<OutputBuffer> output; ///< where its output is gathered, on the command's own strand; null: nobody else looks
};

/// Files and folders to bring to a node.
struct PutRequest {
    std::vector<std::string> sources; ///< local paths, absolute or below `~/`; one that ends in `/` is what the folder holds
    std::string destination;          ///< on the node; a folder when it ends in `/` or there are several sources
    std::optional<unsigned> mode;     ///< of every file; none: each keeps its own permissions
    bool check = false;               ///< look what would be brought, and bring nothing
    Timeouts timeout;                 ///< `command` bounds the whole
};

/// Files and folders to fetch from a node.
struct GetRequest {
    std::vector<std::string> sources; ///< on the node; one that ends in `/` is what the folder holds
    std::string folder;               ///< local, absolute or below `~/`; made where it is missing
    std::string below;                ///< the node's own folder within it: one name
    bool check = false;               ///< look what would be fetched, and fetch nothing
    std::uint64_t bytes_most = limits::get_bytes; ///< of all of it
    Timeouts timeout;                 ///< `command` bounds the whole
};

/// Port: a node that was reached. Any strand, one coroutine at a time.
class Remote {
public:
    virtual ~Remote() = default;

    /// Runs the command to its end. The outcome is `ok` only with end of output, a clean close, no signal and exit
    /// status 0. A stop or a deadline ends the remote process group (docs/architecture.md, "Ending a command") and
    /// gives cancelled, timed_out or interrupted; a dead link gives lost.
    virtual awaitable<Outcome> exec(ExecRequest request, StopToken stop) = 0;

    /// Brings files to the node, each through a temporary name and a rename. The outcome is `changed` when something
    /// was transferred, `ok` when all was there already, `failed` with the reason and the path; its output has a line
    /// for each file. A stop or a deadline leaves no temporary file behind; a dead link gives lost.
    virtual awaitable<Outcome> put(PutRequest request, StopToken stop) = 0;
    /// Fetches files into `folder`/`below`, by the same rules. Nothing is written outside of it, whatever the node says.
    virtual awaitable<Outcome> get(GetRequest request, StopToken stop) = 0;

    /// The polite ending, after which the connection may serve the next task; the destructor is the rude one.
    virtual awaitable<void> close() = 0;
};

/// Why a node was not reached, and whether another try may help.
struct Unreached {
    NodeState state = NodeState::unreachable; ///< or cancelled, timed_out, interrupted when stopped
    Cause cause = Cause::none;
    Phase phase = Phase::none;
    std::string message;
    bool retry = false; ///< name, refused, reset, connect timeout, and a drop before authentication
};

struct Connected {
    std::unique_ptr<Remote> remote; ///< null: see `unreached`
    Unreached unreached;
    std::string tried; ///< what was tried to log in and what came of each, a line each; empty where it did not come to that
};

/// One thing that is in force for a node, and where it was said: `nodes.yaml:12`, `~/.ssh/config:5`, `default`.
struct NodeSetting {
    std::string setting, value, place;

    friend bool operator==(const NodeSetting&, const NodeSetting&) = default;
};

/// The host key that a node shows, and what the known_hosts files say of it.
struct HostKeyReport {
    struct Listed {
        std::string type, fingerprint, place;
    };
    std::string listed_as;         ///< how known_hosts names the host: `[10.0.0.7]:2222`
    std::string type, fingerprint; ///< `ssh-ed25519`, `SHA256:…`
    std::string verdict;           ///< known, unknown, changed, revoked, authority
    std::string place;             ///< of the line that decided; empty where none did
    std::vector<Listed> listed;    ///< every key that is listed for the host now
    bool recorded = false;         ///< a line was written by this call
    std::vector<std::string> in_the_way; ///< other files' lines that contradict the key: Loom changes only its own
};

/// Records nothing by default: looks only.
struct TrustWish {
    std::string fingerprint; ///< of the key that a person has approved: this one alone is recorded
    bool replace = false;    ///< take Loom's own lines of another key away
};

/// Port: reaches nodes. Any strand.
class Connector {
public:
    virtual ~Connector() = default;

    /// `entered` (may be empty) is called on the strand as each phase begins: the caller counts a node that stays silent
    /// in Phase::connect differently from one that answers slowly.
    virtual awaitable<Connected> connect(Node node, Timeouts timeout, StopToken stop,
                                         std::function<void(Phase)> entered) = 0;

    /// How many sessions are kept for later connections. Any thread.
    virtual std::size_t kept() const { return 0; }
    /// Ends what is kept for later connections; nothing may be connected any more. Returns when nothing is left.
    virtual awaitable<void> close() { co_return; }

    /// How the node would be reached, and what says so. Sends nothing. Errc::config where its words contradict.
    virtual awaitable<Result<std::vector<NodeSetting>>> describe(Node node);

    /// Goes as far as the host key, never sends a credential, and records the key where the wish names it.
    /// Errc::unavailable where the node is not reached, Errc::conflict where the key may not be recorded.
    virtual awaitable<Result<HostKeyReport>> trust(Node node, Timeouts timeout, TrustWish wish);
};

} // namespace loom
