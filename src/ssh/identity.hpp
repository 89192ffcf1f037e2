#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"
#include "ssh/files.hpp"
#include "ssh/private_key.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace loom {

/// What a private key's file and the files beside it say.
struct Identity {
    std::string file;
    std::string blob;        ///< the public half: of the key itself, else of `file.pub`
    std::string certificate; ///< of `file-cert.pub`; empty: none
    std::shared_ptr<const PrivateKey> key; ///< null: see `fault`; an ssh-agent that holds the key may still sign
    Error fault;
};

struct Certificate {
    std::string file;
    std::string blob;
};

/// Private keys and certificates, read and decrypted once and again when their file changed. Any thread; blocks on files
/// and, at an encrypted key's first use, on the CPU, unless the look is one at hand.
class IdentityFiles {
public:
    /// Errc::not_found where there is no such file. Other errors only where not even the public half is known:
    /// Errc::denied where others may read the file (with the chmod to run) or the passphrase is missing or wrong,
    /// Errc::config where it is no key that can log in.
    Result<Identity> read(const std::string& file, const Secret& passphrase, FileLook& look);
    Result<Identity> read(const std::string& file, const Secret& passphrase) {
        auto look = FileLook::disk();
        return read(file, passphrase, look);
    }

    Result<Certificate> read_certificate(const std::string& file, FileLook& look);

private:
    /// A text that was opened with a passphrase, or will be by the first who may; others wait for that one alone.
    struct Opening {
        Opening(const std::string& name, std::shared_ptr<const Secret> content, const Secret& words)
            : file(name), text(std::move(content)), passphrase(words) {}
        Result<std::shared_ptr<const PrivateKey>> open(FileLook& look);

        const std::string file;
        const std::shared_ptr<const Secret> text;
        const Secret passphrase;
        std::once_flag once;
        std::atomic<bool> done{false};
        Result<std::shared_ptr<const PrivateKey>> key = Error{}; ///< stays as it is once `done`
    };
    struct Kept {
        FileStamp stamp;
        std::chrono::steady_clock::time_point compared; ///< with the disk
        unsigned mode = 0;
        std::shared_ptr<const Secret> text; ///< null: see `fault`
        Error fault;
        std::vector<std::shared_ptr<Opening>> opened; ///< a wrong passphrase costs its time once too

        bool is(const struct stat& status) const { return text && stamp == FileStamp(status) && mode == status.st_mode; }
    };
    /// The file's entry, fresh.
    Result<Kept*> entry(const std::string& file, FileLook& look);
    static void compare(const std::string& file, Kept& kept);
    static Result<std::shared_ptr<Opening>> opening(const std::string& file, Kept& kept, const Secret& passphrase);
    std::string public_file(const std::string& file, FileLook& look);

    std::mutex mutex_; ///< held while files are read, never while a key is decrypted
    std::map<std::string, Kept> kept_;
};

} // namespace loom
