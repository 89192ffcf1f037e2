#pragma once
#include "core/base/error.hpp"
#include "core/base/secret.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace loom {

/// A private key that can be used as it is.
struct Identity {
    std::string file;
    std::shared_ptr<const Secret> text;
};

/// Private keys, read once and again when their file changed. Blocks on files (use the blocking pool); any thread.
class IdentityFiles {
public:
    /// Errc::not_found where there is no such file, Errc::denied where others may read it (with the chmod to run),
    /// Errc::config where it is encrypted or no private key.
    Result<Identity> read(const std::string& file);

private:
    struct Kept {
        long long seconds = 0, nanoseconds = 0, bytes = 0;
        std::shared_ptr<const Secret> text;
    };
    std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

/// Why the text cannot serve as a private key, for a person; empty: it can.
std::string key_fault(const std::string& file, const std::string& text);

} // namespace loom
