#include "app/cli/commands/trust.hpp"

#include "app/cli/answer.hpp"
#include "app/cli/output/terminal_filter.hpp"

#include <istream>
#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

/// What known_hosts says of the key, in a person's words.
std::string verdict_words(const HostKeyView& key) {
    if (key.verdict == "known") return fmt::format("listed already at {}", key.place);
    if (key.verdict == "changed") return fmt::format("ANOTHER KEY is listed at {}", key.place);
    if (key.verdict == "revoked") return fmt::format("this key is REVOKED at {}", key.place);
    if (key.verdict == "authority") return fmt::format("only a certificate authority is listed, at {}", key.place);
    return "no key is listed";
}

void print_key(CommandContext& context, const HostKeyView& key) {
    auto& out = context.streams.out;
    const auto line = [&](const std::string& text) { out << for_line(text) << '\n'; };
    line(fmt::format("{} ({}) shows {} {}", key.node, key.listed_as, key.type, key.fingerprint));
    line("known_hosts: " + verdict_words(key));
    if (key.verdict != "known")
        for (const auto& listed : key.listed) line(fmt::format("  {} {} {}", listed.place, listed.type, listed.fingerprint));
    out << std::flush;
}

/// Why the key cannot be recorded, before anybody is asked.
std::optional<Error> obstacle(const HostKeyView& key, const TrustOptions& options) {
    if (key.verdict == "revoked") return Error{Errc::conflict, fmt::format("the key of {} is revoked; it is not recorded", key.node)};
    if (key.verdict != "changed") return std::nullopt;
    if (!key.in_the_way.empty())
        return Error{Errc::conflict, fmt::format("the line that contradicts stands in {} and cannot be replaced by Loom, which "
                                                 "changes only its own file; take it away yourself if the new key is right",
                                                 fmt::join(key.in_the_way, ", "))};
    if (!options.replace)
        return Error{Errc::conflict, fmt::format("the key of {} has changed; if that is right, --replace puts the new one in the "
                                                 "place of {}", key.node, key.place)};
    return std::nullopt;
}

bool agreed(CommandContext& context, const TrustOptions& options, const HostKeyView& key) {
    if (options.yes) return true;
    context.streams.err << for_line(fmt::format("Record this key of {}? [y/N] ", key.node)) << std::flush;
    std::string answer;
    std::getline(context.streams.in, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

} // namespace

Result<int> trust_node(CommandContext& context, Service& service, const TrustOptions& options) {
    const Caller caller(context.caller);
    TrustNode request;
    request.node = options.node;
    auto key = context.wait(service.trust(caller, request));
    if (!key) return key.error();
    const bool settled = key->verdict == "known";
    if (!context.json) print_key(context, *key);
    if (!settled) {
        if (auto fault = obstacle(*key, options)) return *fault;
        if (!options.yes && !context.streams.in_terminal)
            return usage_error("nobody can be asked here; compare the fingerprint, then say --yes");
        if (!agreed(context, options, *key)) return Error{Errc::failed, "nothing is recorded"};
        request.fingerprint = key->fingerprint; // this key alone: another one that shows up now is not recorded
        request.replace = options.replace;
        key = context.wait(service.trust(caller, request));
        if (!key) return key.error();
        say(context, fmt::format("recorded: {} {}", key->listed_as, key->fingerprint));
    }
    if (context.json) print_json(context, *key);
    return 0;
}

} // namespace loom
