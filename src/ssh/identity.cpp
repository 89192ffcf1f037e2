#include "ssh/identity.hpp"

#include "core/base/limits.hpp"
#include "ssh/files.hpp"
#include "ssh/public_key.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

namespace loom {

namespace {

bool holds_a_secret(const std::string& text) { return text.find("PRIVATE KEY-----") != text.npos; }

} // namespace

Result<IdentityFiles::Kept*> IdentityFiles::entry(const std::string& name, FileLook& look) {
    auto& kept = kept_[name];
    if (!look.recent(kept.compared)) {
        if (!look.may_ask()) return Error{Errc::unavailable, "not at hand"};
        compare(name, kept);
    }
    if (!kept.text) return kept.fault;
    return &kept;
}

/// Makes what is kept of the file what stands on the disk now.
void IdentityFiles::compare(const std::string& name, Kept& kept) {
    const auto now = std::chrono::steady_clock::now();
    struct stat status {};
    if (kept.text && ::stat(name.c_str(), &status) == 0 && kept.is(status)) {
        kept.compared = now;
        return;
    }
    kept = Kept();
    kept.compared = now;
    const OpenFile file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.descriptor < 0 || ::fstat(file.descriptor, &status) != 0) {
        kept.fault = file_error("read the identity", name, errno);
        if (errno == ENOENT || errno == ENOTDIR) kept.fault.code = Errc::not_found;
        return;
    }
    auto text = read_whole_file(file, name);
    if (text) {
        kept.stamp = FileStamp(status);
        kept.mode = status.st_mode;
        kept.text = std::make_shared<const Secret>(std::move(*text));
    } else {
        kept.fault = text.error();
    }
}

Result<std::shared_ptr<const PrivateKey>> IdentityFiles::Opening::open(FileLook& look) {
    if (done) return key;
    if (!look.may_ask()) return Error{Errc::unavailable, "not at hand"};
    std::call_once(once, [this] {
        auto opened = open_private_key(text->reveal(), passphrase);
        if (opened) key = std::make_shared<const PrivateKey>(std::move(*opened));
        else key = Error{opened.error().code, fmt::format("identity {} {}", file, opened.error().message)};
        done = true;
    });
    return key;
}

Result<std::shared_ptr<IdentityFiles::Opening>> IdentityFiles::opening(const std::string& file, Kept& kept, const Secret& passphrase) {
    if ((kept.mode & 077) != 0 && holds_a_secret(kept.text->reveal()))
        return Error{Errc::denied, fmt::format("identity {} can be read by others; run: chmod 600 {}", file, file)};
    for (const auto& known : kept.opened)
        if (known->passphrase == passphrase) return known;
    if (kept.opened.size() >= limits::passphrases_kept) kept.opened.erase(kept.opened.begin());
    kept.opened.push_back(std::make_shared<Opening>(file, kept.text, passphrase));
    return kept.opened.back();
}

/// The key that a `.pub` file shows; empty: there is none.
std::string IdentityFiles::public_file(const std::string& name, FileLook& look) {
    const auto kept = entry(name, look);
    return kept ? public_key_of_line((*kept)->text->reveal()).value_or("") : std::string();
}

Result<Identity> IdentityFiles::read(const std::string& file, const Secret& passphrase, FileLook& look) {
    Identity identity;
    identity.file = file;
    auto lock = look.lock(mutex_);
    if (!lock) return identity;
    std::shared_ptr<const Secret> text;
    Result<std::shared_ptr<Opening>> found = Error{};
    if (const auto kept = entry(file, look)) {
        text = (*kept)->text;
        found = opening(file, **kept, passphrase);
    } else {
        found = kept.error();
    }
    lock.unlock();
    if (found) {
        auto key = (*found)->open(look);
        if (key) identity.key = std::move(*key);
        else identity.fault = key.error();
    } else {
        identity.fault = found.error();
    }
    if (identity.key) {
        identity.blob = identity.key->blob();
    } else if (text) {
        const auto& said = text->reveal();
        identity.blob = public_key_of_line(said).value_or(holds_a_secret(said) ? public_half(said) : std::string());
    }
    lock = look.lock(mutex_);
    if (!lock) return identity;
    if (identity.blob.empty()) identity.blob = public_file(file + ".pub", look);
    if (identity.blob.empty()) return identity.fault;
    identity.certificate = public_file(file + "-cert.pub", look);
    if (!is_certificate(key_type(identity.certificate))) identity.certificate.clear();
    return identity;
}

Result<Certificate> IdentityFiles::read_certificate(const std::string& file, FileLook& look) {
    const auto lock = look.lock(mutex_);
    if (!lock) return Certificate();
    const auto kept = entry(file, look);
    if (!kept) return kept.error();
    auto blob = public_key_of_line((*kept)->text->reveal());
    if (!blob || !is_certificate(key_type(*blob))) return Error{Errc::config, fmt::format("{} is no certificate", file)};
    return Certificate{file, std::move(*blob)};
}

} // namespace loom
