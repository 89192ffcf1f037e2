#include "ssh/ssh_config_keywords.hpp"

#include "ssh/patterns.hpp"
#include "ssh/ssh_config_words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {

namespace {

using Keyword = SshConfig::Keyword;
struct Obeyed {
    std::string_view name;
    Keyword keyword;
};
constexpr Obeyed obeyed[] = {
    {"hostname", Keyword::host_name},
    {"port", Keyword::port},
    {"user", Keyword::user},
    {"identityfile", Keyword::identity_file},
    {"identityfile2", Keyword::identity_file},
    {"identitiesonly", Keyword::identities_only},
    {"identityagent", Keyword::identity_agent},
    {"certificatefile", Keyword::certificate_file},
    {"proxyjump", Keyword::proxy_jump},
    {"proxycommand", Keyword::proxy_command},
    {"userknownhostsfile", Keyword::user_known_hosts},
    {"globalknownhostsfile", Keyword::global_known_hosts},
    {"hostkeyalias", Keyword::host_key_alias},
    {"stricthostkeychecking", Keyword::strict_host_key_checking},
    {"connecttimeout", Keyword::connect_timeout},
    {"serveraliveinterval", Keyword::server_alive_interval},
};

struct Ignored {
    std::string_view name, harmless_value;
};
constexpr Ignored ignored[] = {
    {"addressfamily", "any"}, {"bindaddress", ""},         {"bindinterface", ""},      {"canonicalizehostname", "no"},
    {"gssapiserveridentity", ""}, {"knownhostscommand", "none"}, {"pkcs11provider", "none"}, {"pubkeyauthentication", "yes"},
    {"remotecommand", "none"}, {"revokedhostkeys", "none"},  {"tunnel", "no"},           {"securitykeyprovider", "internal"},
};

constexpr std::string_view harmless[] = {
    "addkeystoagent", "batchmode", "canonicaldomains", "canonicalizefallbacklocal", "canonicalizemaxdots",
    "canonicalizepermittedcnames", "casignaturealgorithms", "challengeresponseauthentication", "channeltimeout",
    "checkhostip", "cipher", "ciphers", "clearallforwardings", "compression", "compressionlevel", "connectionattempts",
    "controlmaster", "controlpath", "controlpersist", "dsaauthentication", "dynamicforward", "enableescapecommandline",
    "enablesshkeysign", "escapechar", "exitonforwardfailure", "fallbacktorsh", "fingerprinthash",
    "forkafterauthentication", "forwardagent", "forwardx11", "forwardx11timeout", "forwardx11trusted", "gatewayports",
    "globalknownhostsfile2", "gssapiauthentication", "gssapiclientidentity", "gssapidelegatecredentials",
    "gssapikexalgorithms", "gssapikeyexchange", "gssapirenewalforcesrekey", "gssapitrustdns", "hashknownhosts",
    "hostbasedacceptedalgorithms", "hostbasedacceptedkeytypes", "hostbasedauthentication", "hostbasedkeytypes",
    "hostkeyalgorithms", "ignoreunknown", "ipqos", "kbdinteractiveauthentication", "kbdinteractivedevices",
    "keepalive", "kerberosauthentication", "kexalgorithms", "localcommand", "localforward", "loglevel", "logverbose",
    "macs", "nohostauthenticationforlocalhost", "numberofpasswordprompts", "obscurekeystroketiming",
    "passwordauthentication", "permitlocalcommand", "permitremoteopen", "preferredauthentications", "protocol",
    "proxyusefdpass", "pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes", "rekeylimit", "remoteforward", "requesttty",
    "requiredrsasize", "rhostsauthentication", "rhostsrsaauthentication", "rsaauthentication", "sendenv",
    "serveralivecountmax", "sessiontype", "setenv", "skeyauthentication", "smartcarddevice", "stdinnull",
    "streamlocalbindmask", "streamlocalbindunlink", "syslogfacility", "tag", "tcpkeepalive", "tisauthentication",
    "tunneldevice", "updatehostkeys", "useblacklistedkeys", "useprivilegedport", "userknownhostsfile2", "useroaming",
    "usersh", "verifyhostkeydns", "versionaddendum", "visualhostkey", "warnweakcrypto", "xauthlocation",
};

std::string one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    const auto text = lower(word);
    if (std::find(words.begin(), words.end(), text) != words.end()) return {};
    return fmt::format("expected one of {}, not \"{}\"", fmt::join(words, ", "), word);
}

std::string port_fault(const std::string& word) {
    unsigned short port = 0;
    const auto* last = word.data() + word.size();
    const auto [end, ec] = std::from_chars(word.data(), last, port);
    return ec == std::errc{} && end == last && port > 0 ? std::string{}
                                                       : fmt::format("expected a number from 1 to 65535, not \"{}\"", word);
}

} // namespace

SshKeyword find_ssh_keyword(std::string_view name) {
    SshKeyword found;
    if (const auto* at = std::ranges::find(obeyed, name, &Obeyed::name); at != std::end(obeyed)) {
        found.kind = SshKeyword::Kind::obeyed;
        found.obeyed = at->keyword;
    } else if (const auto* row = std::ranges::find(ignored, name, &Ignored::name); row != std::end(ignored)) {
        found.kind = SshKeyword::Kind::ignored;
        found.harmless_value = row->harmless_value;
    } else if (std::ranges::find(harmless, name) != std::end(harmless)) {
        found.kind = SshKeyword::Kind::harmless;
    }
    return found;
}

std::vector<std::string> ssh_keyword_names() {
    std::vector<std::string> names{"host", "match", "include"};
    for (const auto& row : obeyed) names.emplace_back(row.name);
    for (const auto& row : ignored) names.emplace_back(row.name);
    names.insert(names.end(), std::begin(harmless), std::end(harmless));
    return names;
}

std::string value_fault(Keyword keyword, const std::vector<std::string>& words) {
    if (words.empty() || std::ranges::any_of(words, [](const auto& word) { return word.empty(); })) return "a value is missing";
    const bool several = keyword == Keyword::user_known_hosts || keyword == Keyword::global_known_hosts;
    if (!several && words.size() > 1) return fmt::format("\"{}\" is one word too many", words[1]);
    const auto& word = words.front();
    switch (keyword) {
    case Keyword::port: return port_fault(word);
    case Keyword::identities_only: return one_of(word, {"yes", "no", "true", "false"});
    case Keyword::strict_host_key_checking: return one_of(word, {"yes", "no", "ask", "accept-new", "off", "true", "false"});
    case Keyword::connect_timeout:
    case Keyword::server_alive_interval:
        return ssh_time(word) ? std::string{} : fmt::format("expected a time such as 10 or 1m30s, not \"{}\"", word);
    case Keyword::user_known_hosts:
    case Keyword::global_known_hosts:
        if (words.size() > 1 && std::ranges::any_of(words, [](const auto& file) { return lower(file) == "none"; }))
            return "none stands alone";
        return {};
    default: return {};
    }
}

} // namespace loom
