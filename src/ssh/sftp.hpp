#pragma once
#include "core/base/duration.hpp"
#include "ssh/session.hpp"

#include <cstdint>
#include <libssh2_sftp.h>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace loom {

/// How an SFTP request ended: 0, a positive status of the server (SSH_FX_…, draft-ietf-secsh-filexfer-02, 7), or a
/// negative code of libssh2, with which the conversation is over.
using SftpCode = long;

/// The server's reason for people. OpenSSH sends SSH_FX_FAILURE for whatever has no status of its own.
std::string sftp_words(SftpCode code);

struct RemoteFile {
    enum class Kind : std::uint8_t { file, folder, link, other };
    Kind kind = Kind::other;
    unsigned mode = 0; ///< permissions, without the kind
    std::uint64_t size = 0;
};

/// One SFTP conversation on a session, version 3. Lives on the session's strand, used by one coroutine at a time. What is
/// not closed when it goes belongs to the session, which frees it without asking the server.
class Sftp {
public:
    explicit Sftp(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    Sftp(const Sftp&) = delete;
    Sftp& operator=(const Sftp&) = delete;

    /// Opens the channel and agrees on the version; 0 or libssh2's code.
    awaitable<SftpCode> begin();
    /// Ends the conversation politely, waiting for the server's close.
    awaitable<void> end();

    /// An open file or folder of the server; only one at a time.
    awaitable<SftpCode> open_to_read(std::string path);
    awaitable<SftpCode> create(std::string path); ///< mode 0600; fails where the name exists
    awaitable<SftpCode> open_folder(std::string path);
    awaitable<SftpCode> close();

    /// How many of the bytes the server has taken, at least one; or a negated code as below. The next call's bytes begin
    /// behind those, and may be more than before: what was sent and not acknowledged is not sent again.
    awaitable<SftpCode> write(std::string_view bytes, std::size_t& taken);
    /// Bytes at `offset`, the end of what was read so far; none at the end of the file.
    awaitable<SftpCode> read(std::span<char> into, std::uint64_t offset, std::size_t& got);
    /// The next entry, with what the server says of it; an empty name at the end.
    struct Entry {
        std::string name;
        RemoteFile file;
    };
    awaitable<SftpCode> read_folder(Entry& into);
    awaitable<SftpCode> set_open_mode(unsigned mode);

    awaitable<SftpCode> stat(std::string path, RemoteFile& into);  ///< of what a link leads to
    awaitable<SftpCode> lstat(std::string path, RemoteFile& into); ///< of the link itself
    awaitable<SftpCode> set_mode(std::string path, unsigned mode);
    awaitable<SftpCode> make_folder(std::string path, unsigned mode);
    awaitable<SftpCode> remove(std::string path);
    /// Replaces `to` at once where the server has posix-rename@openssh.com, as OpenSSH has since 2008; where it has not,
    /// `to` is removed first.
    awaitable<SftpCode> rename(std::string from, std::string to);
    awaitable<SftpCode> make_link(std::string text, std::string path);
    awaitable<SftpCode> read_link(std::string path, std::string& text);
    awaitable<SftpCode> real_path(std::string path, std::string& real);
    /// Bytes that the login user may still write there; nothing where the server does not say.
    awaitable<std::optional<std::uint64_t>> free_bytes(std::string path);

private:
    SftpCode settled(long code) const;
    SftpCode session_code() const;
    awaitable<SftpCode> open(std::string path, unsigned long flags, int kind);
    awaitable<SftpCode> look(std::string path, int how, RemoteFile& into);
    awaitable<SftpCode> ask_link(std::string path, int how, std::string& text);
    awaitable<SftpCode> plain_rename(const std::string& from, const std::string& to);

    std::shared_ptr<Session> session_;
    LIBSSH2_SFTP* raw_ = nullptr;
    LIBSSH2_SFTP_HANDLE* handle_ = nullptr;
};

} // namespace loom
