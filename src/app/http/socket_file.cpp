#include "app/http/socket_file.hpp"

#include "core/base/failpoint.hpp"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace loom {
namespace {

Error socket_error(const std::string& path, const std::string& what) {
    return {Errc::unavailable, path + ": " + what};
}

/// Makes room for a new socket file.
Result<void> remove_stale(const Executor& executor, const std::string& path,
                          const asio::local::stream_protocol::endpoint& address) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return {};
    if (!S_ISSOCK(found.st_mode)) return Error{Errc::conflict, path + ": exists and is not a socket"};
    UnixSocket probe(executor);
    error_code ec;
    probe.connect(address, ec);
    if (ec != asio::error::connection_refused) return Error{Errc::conflict, path + ": another process listens on it"};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return socket_error(path, std::strerror(errno));
    return {};
}

} // namespace

Result<asio::local::stream_protocol::endpoint> socket_address(const std::string& path) {
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
        return Error{Errc::config, path + ": a socket's path has at most " +
                                       std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes"};
    return asio::local::stream_protocol::endpoint(path);
}

Result<UnixAcceptor> listen_on(const Executor& executor, const std::string& path, std::optional<gid_t> group) {
    const auto address = socket_address(path);
    if (!address) return address.error();
    if (auto removed = remove_stale(executor, path, *address); !removed) return removed.error();
    UnixAcceptor acceptor(executor);
    error_code ec;
    acceptor.open(address->protocol(), ec);
    if (!ec) acceptor.bind(*address, ec);
    if (ec) return socket_error(path, ec.message());
    failpoint("socket.bound");
    // Nobody can connect before listen(), so there is no moment with another mode.
    if (::chmod(path.c_str(), 0660) != 0 || (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0))
        return socket_error(path, std::strerror(errno));
    acceptor.listen(UnixAcceptor::max_listen_connections, ec);
    if (ec) return socket_error(path, ec.message());
    failpoint("socket.listening");
    return acceptor;
}

} // namespace loom
