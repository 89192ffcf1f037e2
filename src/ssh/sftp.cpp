#include "ssh/sftp.hpp"

#include <array>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::size_t name_bytes = 4096; ///< PATH_MAX; a server's longer answer is refused by libssh2

unsigned size_of(const std::string& text) { return static_cast<unsigned>(text.size()); }

RemoteFile file_from(const LIBSSH2_SFTP_ATTRIBUTES& attributes) {
    RemoteFile file;
    if (attributes.flags & LIBSSH2_SFTP_ATTR_SIZE) file.size = attributes.filesize;
    if (!(attributes.flags & LIBSSH2_SFTP_ATTR_PERMISSIONS)) return file;
    file.mode = static_cast<unsigned>(attributes.permissions & 07777);
    const auto kind = attributes.permissions & LIBSSH2_SFTP_S_IFMT;
    if (kind == LIBSSH2_SFTP_S_IFREG) file.kind = RemoteFile::Kind::file;
    if (kind == LIBSSH2_SFTP_S_IFDIR) file.kind = RemoteFile::Kind::folder;
    if (kind == LIBSSH2_SFTP_S_IFLNK) file.kind = RemoteFile::Kind::link;
    return file;
}

LIBSSH2_SFTP_ATTRIBUTES mode_attributes(unsigned mode) {
    LIBSSH2_SFTP_ATTRIBUTES attributes{};
    attributes.flags = LIBSSH2_SFTP_ATTR_PERMISSIONS;
    attributes.permissions = mode;
    return attributes;
}

} // namespace

std::string sftp_words(SftpCode code) {
    switch (code) {
    case LIBSSH2_FX_EOF: return "unexpected end";
    case LIBSSH2_FX_NO_SUCH_FILE:
    case LIBSSH2_FX_NO_SUCH_PATH: return "no such file or folder";
    case LIBSSH2_FX_PERMISSION_DENIED: return "permission denied";
    case LIBSSH2_FX_FAILURE: return "the server says no more than \"failure\"";
    case LIBSSH2_FX_BAD_MESSAGE: return "the server takes this for a malformed request (is the name too long?)";
    case LIBSSH2_FX_OP_UNSUPPORTED: return "the server does not support this";
    case LIBSSH2_FX_WRITE_PROTECT: return "read-only file system";
    case LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM: return "no space left on the device";
    case LIBSSH2_FX_QUOTA_EXCEEDED: return "quota exceeded";
    default: return fmt::format("SFTP status {}", code);
    }
}

SftpCode Sftp::session_code() const { return libssh2_session_last_errno(session_->raw()); }

SftpCode Sftp::settled(long code) const {
    if (code != LIBSSH2_ERROR_SFTP_PROTOCOL || !raw_) return code;
    const auto status = static_cast<SftpCode>(libssh2_sftp_last_error(raw_));
    return status > 0 ? status : code;
}

awaitable<SftpCode> Sftp::begin() {
    const auto hold = co_await session_->level();
    auto step = [this]() -> long {
        raw_ = libssh2_sftp_init(session_->raw());
        return raw_ ? 0 : session_code();
    };
    co_return co_await session_->call(std::move(step));
}

awaitable<void> Sftp::end() {
    if (!raw_) co_return;
    auto step = [this]() -> long { return libssh2_sftp_shutdown(raw_); };
    const long code = co_await session_->call(std::move(step));
    (void)code;
    raw_ = nullptr;
}

awaitable<SftpCode> Sftp::open(std::string path, unsigned long flags, int kind) {
    auto step = [this, &path, flags, kind]() -> long {
        handle_ = libssh2_sftp_open_ex(raw_, path.data(), size_of(path), flags, 0600, kind);
        return handle_ ? 0 : session_code();
    };
    co_return settled(co_await session_->call(std::move(step)));
}

awaitable<SftpCode> Sftp::open_to_read(std::string path) {
    co_return co_await open(std::move(path), LIBSSH2_FXF_READ, LIBSSH2_SFTP_OPENFILE);
}

awaitable<SftpCode> Sftp::create(std::string path) {
    constexpr unsigned long flags = LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL;
    co_return co_await open(std::move(path), flags, LIBSSH2_SFTP_OPENFILE);
}

awaitable<SftpCode> Sftp::open_folder(std::string path) {
    co_return co_await open(std::move(path), 0, LIBSSH2_SFTP_OPENDIR);
}

awaitable<SftpCode> Sftp::close() {
    if (!handle_) co_return 0;
    auto step = [this]() -> long { return libssh2_sftp_close_handle(handle_); };
    const long code = co_await session_->call(std::move(step));
    handle_ = nullptr;
    co_return settled(code);
}

awaitable<SftpCode> Sftp::write(std::string_view bytes, std::size_t& taken) {
    taken = 0;
    auto step = [this, bytes]() -> long {
        const long size = static_cast<long>(libssh2_sftp_write(handle_, bytes.data(), bytes.size()));
        return size == 0 ? LIBSSH2_ERROR_EAGAIN : size; // nothing acknowledged yet
    };
    const long size = co_await session_->call(std::move(step));
    if (size < 0) co_return settled(size);
    taken = static_cast<std::size_t>(size);
    co_return 0;
}

awaitable<SftpCode> Sftp::read(std::span<char> into, std::uint64_t offset, std::size_t& got) {
    got = 0;
    auto step = [this, into]() -> long { return static_cast<long>(libssh2_sftp_read(handle_, into.data(), into.size())); };
    for (int tries = 0;; ++tries) {
        const long size = co_await session_->call(step);
        if (size >= 0) {
            got = static_cast<std::size_t>(size);
            co_return 0;
        }
        // libssh2 reads ahead, and gives up where a file grew in between: then its answers no longer join.
        const auto code = settled(size);
        if (code != LIBSSH2_ERROR_SFTP_PROTOCOL || tries == 3) co_return code;
        libssh2_sftp_seek64(handle_, offset);
    }
}

awaitable<SftpCode> Sftp::read_folder(Entry& into) {
    std::array<char, name_bytes> name;
    LIBSSH2_SFTP_ATTRIBUTES attributes{};
    auto step = [&]() -> long { return libssh2_sftp_readdir_ex(handle_, name.data(), name.size(), nullptr, 0, &attributes); };
    const long size = co_await session_->call(std::move(step));
    if (size < 0) co_return settled(size);
    into.name.assign(name.data(), static_cast<std::size_t>(size));
    into.file = file_from(attributes);
    co_return 0;
}

awaitable<SftpCode> Sftp::set_open_mode(unsigned mode) {
    auto attributes = mode_attributes(mode);
    auto step = [&]() -> long { return libssh2_sftp_fstat_ex(handle_, &attributes, 1); };
    co_return settled(co_await session_->call(std::move(step)));
}

awaitable<SftpCode> Sftp::look(std::string path, int how, RemoteFile& into) {
    LIBSSH2_SFTP_ATTRIBUTES attributes{};
    auto step = [&]() -> long { return libssh2_sftp_stat_ex(raw_, path.data(), size_of(path), how, &attributes); };
    const long code = co_await session_->call(std::move(step));
    if (code == 0) into = file_from(attributes);
    co_return settled(code);
}

awaitable<SftpCode> Sftp::stat(std::string path, RemoteFile& into) {
    co_return co_await look(std::move(path), LIBSSH2_SFTP_STAT, into);
}

awaitable<SftpCode> Sftp::lstat(std::string path, RemoteFile& into) {
    co_return co_await look(std::move(path), LIBSSH2_SFTP_LSTAT, into);
}

awaitable<SftpCode> Sftp::set_mode(std::string path, unsigned mode) {
    auto attributes = mode_attributes(mode);
    auto step = [&]() -> long {
        return libssh2_sftp_stat_ex(raw_, path.data(), size_of(path), LIBSSH2_SFTP_SETSTAT, &attributes);
    };
    co_return settled(co_await session_->call(std::move(step)));
}

awaitable<SftpCode> Sftp::make_folder(std::string path, unsigned mode) {
    auto step = [&]() -> long { return libssh2_sftp_mkdir_ex(raw_, path.data(), size_of(path), static_cast<long>(mode)); };
    co_return settled(co_await session_->call(std::move(step)));
}

awaitable<SftpCode> Sftp::remove(std::string path) {
    auto step = [&]() -> long { return libssh2_sftp_unlink_ex(raw_, path.data(), size_of(path)); };
    co_return settled(co_await session_->call(std::move(step)));
}

awaitable<SftpCode> Sftp::plain_rename(const std::string& from, const std::string& to) {
    constexpr long flags = LIBSSH2_SFTP_RENAME_OVERWRITE | LIBSSH2_SFTP_RENAME_ATOMIC | LIBSSH2_SFTP_RENAME_NATIVE;
    auto step = [&]() -> long {
        return libssh2_sftp_rename_ex(raw_, from.data(), size_of(from), to.data(), size_of(to), flags);
    };
    co_return settled(co_await session_->call(std::move(step)));
}

awaitable<SftpCode> Sftp::rename(std::string from, std::string to) {
#if LIBSSH2_VERSION_NUM >= 0x010b00
    auto step = [&]() -> long {
        return libssh2_sftp_posix_rename_ex(raw_, from.data(), from.size(), to.data(), to.size());
    };
    const auto code = settled(co_await session_->call(std::move(step)));
    if (code != LIBSSH2_FX_OP_UNSUPPORTED) co_return code;
#endif
    const auto plain = co_await plain_rename(from, to);
    // What these two mean may be "there is one already"; any other refusal is no reason to take the target away.
    if (plain != LIBSSH2_FX_FAILURE && plain != LIBSSH2_FX_FILE_ALREADY_EXISTS) co_return plain;
    const auto removed = co_await remove(to);
    if (removed != 0) co_return plain;
    co_return co_await plain_rename(from, to);
}

awaitable<SftpCode> Sftp::make_link(std::string text, std::string path) {
    // The order that OpenSSH takes, which is not the draft's (PROTOCOL of OpenSSH, 4.1).
    auto step = [&]() -> long {
        return libssh2_sftp_symlink_ex(raw_, text.data(), size_of(text), path.data(), size_of(path), LIBSSH2_SFTP_SYMLINK);
    };
    const auto code = settled(co_await session_->call(std::move(step)));
    if (code <= 0) co_return code;
    // libssh2 1.11.1 takes the request's number for its status (sftp.c, sftp_symlink): only a look tells what happened.
    std::string made;
    const auto looked = co_await read_link(std::move(path), made);
    if (looked == 0 && made == text) co_return 0;
    co_return looked < 0 ? looked : LIBSSH2_FX_FAILURE;
}

awaitable<SftpCode> Sftp::ask_link(std::string path, int how, std::string& text) {
    std::array<char, name_bytes> answer;
    auto step = [&]() -> long {
        return libssh2_sftp_symlink_ex(raw_, path.data(), size_of(path), answer.data(), answer.size(), how);
    };
    const long size = co_await session_->call(std::move(step));
    if (size < 0 && settled(size) > 0) co_return LIBSSH2_FX_FAILURE; // its own number is no status, as above
    if (size < 0) co_return size;
    text.assign(answer.data(), static_cast<std::size_t>(size));
    co_return 0;
}

awaitable<SftpCode> Sftp::read_link(std::string path, std::string& text) {
    co_return co_await ask_link(std::move(path), LIBSSH2_SFTP_READLINK, text);
}

awaitable<SftpCode> Sftp::real_path(std::string path, std::string& real) {
    co_return co_await ask_link(std::move(path), LIBSSH2_SFTP_REALPATH, real);
}

awaitable<std::optional<std::uint64_t>> Sftp::free_bytes(std::string path) {
    LIBSSH2_SFTP_STATVFS status{};
    auto step = [&]() -> long { return libssh2_sftp_statvfs(raw_, path.data(), path.size(), &status); };
    const long code = co_await session_->call(std::move(step));
    if (code != 0) co_return std::nullopt;
    co_return status.f_bavail * (status.f_frsize ? status.f_frsize : status.f_bsize);
}

} // namespace loom
