#include "ssh/ssh_config_words.hpp"

#include "core/base/limits.hpp"
#include "ssh/patterns.hpp"

#include <algorithm>
#include <charconv>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr std::string_view white = " \t\r\n";

void skip_white(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(white), text.size())); }

Result<JumpHost> read_jump_host(std::string_view text) {
    const Error bad = usage_error(fmt::format("\"{}\" is no jump host: expected user@host:port, [2001:db8::1]:22 or none", text));
    JumpHost hop;
    if (lower(text.substr(0, 6)) == "ssh://") {
        text.remove_prefix(6);
        if (text.ends_with('/')) text.remove_suffix(1);
    }
    if (const auto at = text.rfind('@'); at != text.npos) {
        hop.user = text.substr(0, at);
        if (hop.user.empty()) return bad;
        text.remove_prefix(at + 1);
    }
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == text.npos) return bad;
        hop.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else {
        // Two colons: an IPv6 address without brackets, which cannot carry a port.
        const auto colon = text.find(':');
        const bool address = colon != text.npos && text.find(':', colon + 1) != text.npos;
        hop.host = address ? text : text.substr(0, colon);
        if (!address && colon != text.npos) port = text.substr(colon);
    }
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '/' || c == 0x7f; };
    if (hop.host.empty() || hop.host.starts_with('-') || std::ranges::any_of(hop.host, odd) || std::ranges::any_of(hop.user, odd))
        return bad;
    if (port.empty()) return hop;
    const auto* last = port.data() + port.size();
    const auto [end, ec] = std::from_chars(port.data() + 1, last, hop.port);
    if (port.front() != ':' || port.size() < 2 || ec != std::errc{} || end != last || hop.port == 0) return bad;
    return hop;
}

} // namespace

std::optional<std::string> next_delimited(std::string_view& rest, bool equals) {
    if (rest.empty()) return std::nullopt;
    const auto at = rest.find_first_of(equals ? " \t\r\n\"=" : " \t\r\n\"");
    if (at == rest.npos) {
        std::string word(rest);
        rest = {};
        return word;
    }
    std::string word(rest.substr(0, at));
    if (rest[at] == '"') {
        const auto end = rest.find('"', at + 1);
        if (end == rest.npos) return std::nullopt;
        word += rest.substr(at + 1, end - at - 1);
        rest.remove_prefix(end + 1);
        skip_white(rest);
        return word;
    }
    const bool was_equals = rest[at] == '=';
    rest.remove_prefix(at + 1);
    skip_white(rest);
    if (equals && !was_equals && rest.starts_with('=')) {
        rest.remove_prefix(1);
        skip_white(rest);
    }
    return word;
}

std::optional<std::vector<std::string>> split_config_words(std::string_view value) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < value.size();) {
        if (value[i] == ' ' || value[i] == '\t') {
            ++i;
            continue;
        }
        if (value[i] == '#') break;
        auto& word = words.emplace_back();
        char quote = 0;
        for (; i < value.size(); ++i) {
            const char c = value[i];
            const char next = i + 1 < value.size() ? value[i + 1] : '\0';
            if (c == '\\' && (next == '\'' || next == '"' || next == '\\' || (!quote && next == ' '))) {
                word += next;
                ++i;
            } else if (!quote && (c == ' ' || c == '\t')) {
                break;
            } else if (!quote && (c == '"' || c == '\'')) {
                quote = c;
            } else if (quote && c == quote) {
                quote = 0;
            } else {
                word += c;
            }
        }
        if (quote) return std::nullopt;
    }
    return words;
}

std::optional<std::optional<std::chrono::seconds>> ssh_time(std::string_view text) {
    if (text == "none") return std::optional<std::chrono::seconds>{};
    constexpr long most = 0x7fffffff; // as OpenSSH, an int of seconds
    long total = 0;
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        long number = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (ec != std::errc{} || number < 0 || number > most) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        long unit = 1;
        if (!text.empty()) {
            switch (text.front()) {
            case 's': case 'S': break;
            case 'm': case 'M': unit = 60; break;
            case 'h': case 'H': unit = 3600; break;
            case 'd': case 'D': unit = 86'400; break;
            case 'w': case 'W': unit = 604'800; break;
            default: return std::nullopt;
            }
            text.remove_prefix(1);
        }
        total += number * unit;
        if (total > most) return std::nullopt;
    }
    return std::optional(std::chrono::seconds(total));
}

Result<std::string> expand_tokens(std::string_view text, const SshTokens& tokens) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result += text[i];
            continue;
        }
        if (++i == text.size()) return usage_error("a % stands at the end; a percent sign is written %%");
        if (text[i] == '%') {
            result += '%';
        } else {
            const auto found = tokens.find(text[i]);
            if (found == tokens.end()) return usage_error(fmt::format("the token %{} is not known here", text[i]));
            result += found->second;
        }
    }
    return result;
}

Result<std::string> expand_variables(std::string_view text, const std::map<std::string, std::string>& environment) {
    std::string result;
    for (std::size_t i = 0; i < text.size();) {
        if (!text.substr(i).starts_with("${")) {
            result += text[i++];
            continue;
        }
        const auto end = text.find('}', i);
        if (end == text.npos) return usage_error("${ without }");
        const std::string name(text.substr(i + 2, end - i - 2));
        const auto found = environment.find(name);
        if (found == environment.end()) return usage_error(fmt::format("the variable {} is not set", name));
        result += found->second;
        i = end + 1;
    }
    return result;
}

Result<std::vector<JumpHost>> read_jump(std::string_view text) {
    std::vector<JumpHost> hops;
    if (lower(text) == "none") return hops;
    for (bool more = true; more;) {
        const auto comma = text.find(',');
        more = comma != text.npos;
        auto item = text.substr(0, comma);
        text.remove_prefix(more ? comma + 1 : text.size());
        skip_white(item);
        while (!item.empty() && white.find(item.back()) != white.npos) item.remove_suffix(1);
        auto hop = read_jump_host(item);
        if (!hop) return hop.error();
        hops.push_back(std::move(*hop));
        if (hops.size() > limits::ssh_jumps)
            return usage_error(fmt::format("more than {} jump hosts", limits::ssh_jumps));
    }
    return hops;
}

} // namespace loom
