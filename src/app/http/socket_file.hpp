#pragma once
#include "core/async/asio.hpp"
#include "core/base/error.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <optional>
#include <string>
#include <sys/types.h>

namespace loom {

using UnixAcceptor = asio::local::stream_protocol::acceptor;
using UnixSocket = asio::local::stream_protocol::socket;

/// Listens on a new socket file of mode 0660, given to `group` if there is one; the mode stands before the first
/// connection can be made. A file left behind by a process that is gone is replaced; one that somebody listens on is
/// an Errc::conflict, and so is a path that is no socket.
Result<UnixAcceptor> listen_on(const Executor& executor, const std::string& path, std::optional<gid_t> group);

/// The address of a socket file; Errc::config for a path longer than unix(7) allows.
Result<asio::local::stream_protocol::endpoint> socket_address(const std::string& path);

} // namespace loom
