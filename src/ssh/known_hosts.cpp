#include "ssh/known_hosts.hpp"

#include "core/base/base64.hpp"
#include "ssh/patterns.hpp"
#include "ssh/public_key.hpp"

#include <algorithm>
#include <cstring>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

std::string with_port(std::string_view host, unsigned short port) {
    return port == 22 ? lower(host) : fmt::format("[{}]:{}", lower(host), port);
}

std::string_view next_word(std::string_view& line) {
    const auto begin = std::min(line.find_first_not_of(" \t"), line.size());
    const auto end = std::min(line.find_first_of(" \t", begin), line.size());
    const auto word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
}

std::string hmac_sha1(const std::string& key, const std::string& text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (!HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
              text.size(), digest, &length))
        return {};
    return std::string(reinterpret_cast<const char*>(digest), length);
}

} // namespace

HostKey host_key_from_blob(std::string_view blob) {
    return HostKey{std::string(key_type(blob)), std::string(blob)};
}

std::vector<std::string> HostRecord::key_types() const {
    std::vector<std::string> types;
    for (const auto& entry : entries)
        if (!entry.revoked && !entry.authority && std::ranges::find(types, entry.key.type) == types.end()) types.push_back(entry.key.type);
    return types;
}

HostCheck judge(const HostRecord& record, const HostKey& key) {
    HostCheck check;
    const HostRecord::Entry* authority = nullptr;
    for (const auto& entry : record.entries) {
        if (entry.authority) {
            if (!authority && !entry.portless) authority = &entry;
            continue;
        }
        const bool same = entry.key == key;
        if (entry.revoked) {
            if (same) return {HostVerdict::revoked, entry.place};
        } else if (same && check.verdict != HostVerdict::known) {
            check = {HostVerdict::known, entry.place};
        } else if (!same && !entry.portless && check.verdict == HostVerdict::unknown) {
            check = {HostVerdict::changed, entry.place};
        }
    }
    if (check.verdict == HostVerdict::unknown && authority) return {HostVerdict::authority, authority->place};
    return check;
}

std::size_t KnownHosts::add(const std::string& file, std::string_view text, std::size_t before) {
    std::size_t lines = 0;
    for (; !text.empty(); ++lines) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        add_line(file, before + lines + 1, line);
    }
    return lines;
}

void KnownHosts::add_line(const std::string& file, std::size_t number, std::string_view line) {
    HostRecord::Entry entry;
    auto names = next_word(line);
    if (names.empty() || names.starts_with('#')) return;
    if (names.starts_with('@')) {
        entry.revoked = names == "@revoked";
        entry.authority = names == "@cert-authority";
        if (!entry.revoked && !entry.authority) return;
        names = next_word(line);
    }
    const auto type = next_word(line);
    const auto blob = base64_decode(next_word(line));
    if (!blob) return;
    entry.key = host_key_from_blob(*blob);
    if (type.empty() || entry.key.type != type) return;
    entry.place = fmt::format("{}:{}", file, number);

    const auto index = entries_.size();
    if (names.starts_with('|')) {
        // |1|salt|hash: HMAC-SHA1 of one name, keyed by the salt.
        const auto bar = names.find('|', 3);
        if (!names.starts_with("|1|") || bar == names.npos) return;
        auto salt = base64_decode(names.substr(3, bar - 3));
        auto hash = base64_decode(names.substr(bar + 1));
        if (!salt || !hash || salt->empty() || hash->size() != 20) return;
        hashed_.push_back({std::move(*salt), std::move(*hash), index});
    } else if (names.find_first_of("*?!") != names.npos) {
        patterns_.push_back({lower(names), index});
    } else {
        for (auto rest = names; !rest.empty();) {
            const auto comma = std::min(rest.find(','), rest.size());
            if (comma > 0) plain_.emplace(lower(rest.substr(0, comma)), index);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    entries_.push_back(std::move(entry));
}

std::vector<std::size_t> KnownHosts::listed_as(const std::string& name) const {
    std::vector<std::size_t> found;
    const auto [first, last] = plain_.equal_range(name);
    for (auto it = first; it != last; ++it) found.push_back(it->second);
    for (const auto& pattern : patterns_)
        if (pattern_list_matches(pattern.list, name)) found.push_back(pattern.entry);
    for (const auto& line : hashed_)
        if (hmac_sha1(line.salt, name) == line.hash) found.push_back(line.entry);
    // In the order of the files: the place that is named in a message is the first.
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

HostRecord KnownHosts::find(const HostNames& names) const {
    HostRecord record;
    std::vector<std::size_t> seen;
    const auto take = [&](const std::string& name, bool portless) {
        for (const auto index : listed_as(name)) {
            if (std::ranges::find(seen, index) != seen.end()) continue;
            seen.push_back(index);
            record.entries.push_back(entries_[index]);
            record.entries.back().portless = portless;
        }
    };
    const bool alias = !names.name.empty() && names.name != names.address;
    take(with_port(names.address, names.port), false);
    if (alias) take(with_port(names.name, names.port), false);
    if (names.port != 22) {
        take(lower(names.address), true);
        if (alias) take(lower(names.name), true);
    }
    return record;
}

std::string listed_name(const HostNames& names) { return with_port(names.address, names.port); }

std::string known_hosts_line(const HostNames& names, const HostKey& key) {
    const auto& host = names.address;
    const auto plain = [](unsigned char c) { return c > ' ' && c != 0x7f && !std::strchr(",*?!|@#", c); };
    if (host.empty() || !std::ranges::all_of(host, plain)) return {};
    return fmt::format("{} {} {}\n", listed_name(names), key.type, base64_encode(key.blob));
}

} // namespace loom
