#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace loom {

/// A server's public key as it comes in the key exchange (RFC 4253, section 6.6).
struct HostKey {
    std::string type; ///< `ssh-ed25519`
    std::string blob; ///< the raw bytes, which begin with the type

    friend bool operator==(const HostKey&, const HostKey&) = default;
};

/// A HostKey from the raw bytes; the type is empty where they do not begin with one.
HostKey host_key_from_blob(std::string_view blob);

/// What a host may be listed as. sshd(8): a port other than 22 makes the name `[name]:port`.
struct HostNames {
    std::string address; ///< what is connected to
    std::string name;    ///< the node's name
    unsigned short port = 22;
};

/// All keys that known_hosts files list for one host.
struct HostRecord {
    struct Entry {
        HostKey key;
        std::string place; ///< `/root/.ssh/known_hosts:14`
        bool revoked = false;
        bool authority = false; ///< `@cert-authority`: the key signs host certificates, and is no host's own
        bool portless = false; ///< listed without the port: may confirm a key, but another key is no contradiction
    };
    std::vector<Entry> entries;

    /// The types to ask the server for first: those that can be compared.
    std::vector<std::string> key_types() const;
};

enum class HostVerdict { known, unknown, changed, revoked, authority };

struct HostCheck {
    HostVerdict verdict = HostVerdict::unknown;
    std::string place; ///< of the line that decided
};

/// Revoked wins, then any listed key that is equal. A host that is listed with other keys only has changed, even where
/// the types differ: the listed types were asked for first, so the server no longer has them. A host that is listed by its
/// certificate authority alone gives `authority`: libssh2 takes no host certificates, so the key cannot be checked that way.
HostCheck judge(const HostRecord& record, const HostKey& key);

/// Lines of known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain names, `[host]:port`, wildcards,
/// negation, hashed names, `@revoked`, `@cert-authority`. Malformed ones are passed over, as ssh does.
/// Immutable once filled; then any thread.
class KnownHosts {
public:
    /// Takes the lines, of which `before` stand before them in the file; returns how many there are.
    std::size_t add(const std::string& file, std::string_view text, std::size_t before = 0);
    HostRecord find(const HostNames& names) const;
    std::size_t size() const { return entries_.size(); }

private:
    struct Hashed {
        std::string salt, hash;
        std::size_t entry;
    };
    struct Pattern {
        std::string list; ///< lower case, separated by commas
        std::size_t entry;
    };
    void add_line(const std::string& file, std::size_t number, std::string_view line);
    std::vector<std::size_t> listed_as(const std::string& name) const;

    std::vector<HostRecord::Entry> entries_;
    std::unordered_multimap<std::string, std::size_t> plain_;
    std::vector<Pattern> patterns_;
    std::vector<Hashed> hashed_;
};

/// How a known_hosts file names the host: `[10.0.0.7]:2222`.
std::string listed_name(const HostNames& names);

/// The line that lists the key under the host's address, or nothing where the address cannot be written in one.
std::string known_hosts_line(const HostNames& names, const HostKey& key);

} // namespace loom
