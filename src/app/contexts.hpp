#pragma once
#include "app/http/server_address.hpp"

#include <map>
#include <vector>

namespace loom {

/// A daemon under a name: how to reach it from here.
struct RemoteContext {
    std::string server; ///< as parse_server takes it
    std::string token_file;                 ///< one of the two, or none
    std::vector<std::string> token_command; ///< a program and its arguments; its output is the token
    std::string ca_file, fingerprint;       ///< see TlsTrust
    std::string certificate, key;           ///< that the client shows
};

/// `~/.loom/contexts.yaml`.
struct Contexts {
    std::string current; ///< empty: none, so the daemon of this machine
    std::map<std::string, RemoteContext> all;
};

/// Reads the file; one that is missing holds none. Errc::config with file:line:column. Blocks.
Result<Contexts> read_contexts(const std::string& path, const std::string& home);
/// The same of a text. Pure.
Result<Contexts> parse_contexts(const std::string& path, std::string_view text, const std::string& home);
/// Replaces the file, mode 0600, whole or not at all. Blocks.
Result<void> write_contexts(const std::string& path, const Contexts& contexts);

/// What the command line and the environment say of the daemon to ask.
struct ServerChoice {
    std::string server;  ///< `--server`
    std::string context; ///< `--context`
    std::string config;  ///< `-c`: the daemon of that configuration, unless one of the above is said
};

/// The remote daemon to ask; nothing: the one of this machine. The first that is said counts: --server, --context, -c,
/// LOOM_SERVER, the current context. The token comes from LOOM_TOKEN, else LOOM_TOKEN_FILE, else the context; LOOM_CA_FILE and
/// LOOM_FINGERPRINT say whom to trust where no context does. Blocks.
Result<std::optional<ServerAddress>> choose_server(const ServerChoice& choice, const std::string& contexts_file, const std::string& home);

} // namespace loom
