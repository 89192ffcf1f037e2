#include "ssh/identity.hpp"

#include "ssh/base64.hpp"
#include "ssh/files.hpp"

#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

namespace loom {

namespace {

/// The OpenSSH format names its cipher first: "openssh-key-v1" NUL, string cipher (PROTOCOL.key).
bool openssh_key_encrypted(const std::string& text) {
    constexpr std::string_view begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
    std::string head;
    for (auto at = text.find(begin) + begin.size(); at < text.size() && head.size() < 64; ++at)
        if (!std::isspace(static_cast<unsigned char>(text[at]))) head += text[at];
    const auto bytes = base64_decode(head);
    constexpr std::string_view unencrypted("openssh-key-v1\0\0\0\0\4none", 23);
    return bytes && !bytes->starts_with(unencrypted);
}

} // namespace

std::string key_fault(const std::string& file, const std::string& text) {
    if (text.find("PRIVATE KEY-----") == text.npos) return fmt::format("identity {} is not a private key", file);
    const bool encrypted = text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != text.npos ||
                           text.find("Proc-Type: 4,ENCRYPTED") != text.npos ||
                           (text.find("-----BEGIN OPENSSH PRIVATE KEY-----") != text.npos && openssh_key_encrypted(text));
    if (!encrypted) return {};
    return fmt::format("identity {} is encrypted; use a key without a passphrase (ssh-keygen -p -f {})", file, file);
}

Result<Identity> IdentityFiles::read(const std::string& name) {
    const OpenFile file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.descriptor < 0) {
        auto error = file_error("read the identity", name, errno);
        if (errno == ENOENT || errno == ENOTDIR) error.code = Errc::not_found;
        return error;
    }
    struct stat status {};
    if (::fstat(file.descriptor, &status) != 0) return file_error("read the identity", name, errno);
    if ((status.st_mode & 077) != 0)
        return Error{Errc::denied, fmt::format("identity {} can be read by others; run: chmod 600 {}", name, name)};

    const std::lock_guard lock(mutex_);
    auto& kept = kept_[name];
    if (!kept.text || kept.seconds != status.st_mtim.tv_sec || kept.nanoseconds != status.st_mtim.tv_nsec ||
        kept.bytes != status.st_size) {
        auto text = read_whole_file(file, name);
        if (!text) return text.error();
        kept = Kept{status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size,
                    std::make_shared<const Secret>(std::move(*text))};
    }
    if (auto fault = key_fault(name, kept.text->reveal()); !fault.empty()) return Error{Errc::config, std::move(fault)};
    return Identity{name, kept.text};
}

} // namespace loom
