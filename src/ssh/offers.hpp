#pragma once
#include "core/base/secret.hpp"
#include "ssh/agent.hpp"
#include "ssh/identity.hpp"

#include <string>
#include <vector>

namespace loom {

/// What a node is logged in with.
struct Credentials {
    std::string user;
    std::vector<Certificate> certificates; ///< named by CertificateFile
    std::vector<Identity> identities;      ///< in the order of the configuration
    bool identities_named = false;         ///< configured, so they go before the agent's other keys; else the defaults
    bool identities_only = false;          ///< of the agent's keys only those that the identities name
    Secret password;
    std::shared_ptr<Agent> agent;      ///< null: none
    std::vector<std::string> left_out; ///< what cannot be used, with the reason
};

/// A key or certificate that the server is asked about, and who signs when it says yes.
struct Offer {
    std::string label; ///< `/root/.ssh/id_ed25519`, `anna@laptop of ssh-agent`
    std::string blob;
    std::shared_ptr<const PrivateKey> key; ///< null: the agent signs
    std::string agent_blob;                ///< what the agent calls its key
};

struct Offers {
    std::vector<Offer> keys;
    std::vector<std::string> left_out; ///< as in Credentials, and what the agent could not mend
    std::size_t not_offered = 0;       ///< beyond the bound
};

/// Which keys are offered, in order, each once: the named certificates; the named identities, each after its certificate;
/// the agent's other keys; the default identities. A key in a file goes before the same key in the agent: it answers
/// sooner. Where a password is configured, keys that nobody named leave it room within sshd's MaxAuthTries. Pure.
Offers order_offers(const Credentials& credentials, const std::vector<AgentKey>& agent_keys);

} // namespace loom
