#include "ssh/offers.hpp"

#include "core/base/limits.hpp"
#include "ssh/public_key.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

class Order {
public:
    Order(const Credentials& credentials, const std::vector<AgentKey>& agent_keys)
        : credentials_(credentials), agent_keys_(agent_keys) {
        offers_.left_out = credentials.left_out;
    }

    Offers make() {
        for (const auto& certificate : credentials_.certificates) named_certificate(certificate);
        if (credentials_.identities_named) identities();
        named_ = false;
        if (!credentials_.identities_only)
            for (const auto& key : agent_keys_) offer_from_agent(key.blob, key);
        named_ = credentials_.identities_only; // then the defaults are all there is
        if (!credentials_.identities_named) identities();
        return std::move(offers_);
    }

private:
    void identities() {
        for (const auto& identity : credentials_.identities) {
            const auto* const agent_key = in_agent(identity.blob);
            if (!identity.key && !agent_key) {
                offers_.left_out.push_back(identity.fault.message);
                continue;
            }
            if (!identity.certificate.empty()) {
                if (plain_blob(identity.certificate) == identity.blob)
                    offer(identity.file + "-cert.pub", identity.certificate, identity.key, agent_key);
                else
                    offers_.left_out.push_back(fmt::format("{0}-cert.pub does not belong to {0}", identity.file));
            }
            for (const auto& key : agent_keys_)
                if (is_certificate(key_type(key.blob)) && plain_blob(key.blob) == identity.blob) offer_from_agent(key.blob, key);
            offer(identity.file, identity.blob, identity.key, agent_key);
        }
    }

    void named_certificate(const Certificate& certificate) {
        const auto plain = plain_blob(certificate.blob);
        const auto identity = std::ranges::find_if(credentials_.identities, [&](const Identity& candidate) {
            return candidate.key && candidate.blob == plain;
        });
        const auto key = identity == credentials_.identities.end() ? nullptr : identity->key;
        const auto* agent_key = in_agent(certificate.blob);
        if (!agent_key) agent_key = in_agent(plain);
        if (key || agent_key) return offer(certificate.file, certificate.blob, key, agent_key);
        offers_.left_out.push_back(fmt::format("there is no key for the certificate {}", certificate.file));
    }

    void offer_from_agent(const std::string& blob, const AgentKey& key) {
        offer(fmt::format("{} of ssh-agent", key.comment.empty() ? "a key" : key.comment), blob, nullptr, &key);
    }

    void offer(std::string label, const std::string& blob, std::shared_ptr<const PrivateKey> key, const AgentKey* agent_key) {
        if (std::ranges::find(offers_.keys, blob, &Offer::blob) != offers_.keys.end()) return;
        const auto bound =
            named_ || credentials_.password.empty() ? limits::login_keys : limits::login_keys_before_password;
        if (offers_.keys.size() >= bound) {
            ++offers_.not_offered;
            return;
        }
        offers_.keys.push_back({std::move(label), blob, std::move(key), agent_key ? agent_key->blob : std::string()});
    }

    const AgentKey* in_agent(const std::string& blob) const {
        const auto found = std::ranges::find(agent_keys_, blob, &AgentKey::blob);
        return blob.empty() || found == agent_keys_.end() ? nullptr : &*found;
    }

    const Credentials& credentials_;
    const std::vector<AgentKey>& agent_keys_;
    Offers offers_;
    bool named_ = true; ///< what is being offered was configured
};

} // namespace

Offers order_offers(const Credentials& credentials, const std::vector<AgentKey>& agent_keys) {
    return Order(credentials, agent_keys).make();
}

} // namespace loom
