#include "ssh/ssh_config.hpp"

#include "core/base/glob.hpp"
#include "core/base/limits.hpp"
#include "ssh/patterns.hpp"
#include "ssh/ssh_config_parser.hpp"
#include "ssh/ssh_config_words.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

bool plain(const SshConfig::Criterion& criterion) {
    return !criterion.negated && criterion.patterns.find_first_of("*?") == std::string::npos;
}

/// Every pattern must miss both names where negated; one must meet either of them.
bool host_line_applies(const std::vector<SshConfig::Criterion>& patterns, const SshTarget& target) {
    const auto meets = [&](const std::string& pattern) {
        return glob_matches(pattern, target.name) || (!target.address.empty() && glob_matches(pattern, target.address));
    };
    bool found = false;
    for (const auto& pattern : patterns) {
        if (!meets(pattern.patterns)) continue;
        if (pattern.negated) return false;
        found = true;
    }
    return found;
}

std::string host_so_far(const SshTarget& target, const SshSettings& so_far) {
    if (!target.address.empty()) return target.address;
    if (!so_far.host_name) return target.name;
    const auto expanded = expand_tokens(so_far.host_name->text(), {{'h', target.name}});
    return expanded ? *expanded : target.name;
}

bool criterion_holds(const SshConfig::Criterion& criterion, const SshTarget& target, const SshSettings& so_far) {
    using Kind = SshConfig::Criterion::Kind;
    const auto lists = [&](const std::string& name) { return pattern_list_matches(criterion.patterns, name); };
    switch (criterion.kind) {
    case Kind::never: return false;
    case Kind::host_pattern: return false; // of a Host line only
    case Kind::host: return lists(lower(host_so_far(target, so_far))) != criterion.negated;
    case Kind::original_host: return lists(lower(target.name)) != criterion.negated;
    case Kind::local_user: return lists(target.local_user) != criterion.negated;
    case Kind::user: break;
    }
    if (!target.user.empty()) return lists(target.user) != criterion.negated;
    return lists(so_far.user ? so_far.user->text() : target.local_user) != criterion.negated;
}

SshSettings::Maybe* single(SshSettings& settings, SshConfig::Keyword keyword) {
    using Keyword = SshConfig::Keyword;
    switch (keyword) {
    case Keyword::host_name: return &settings.host_name;
    case Keyword::port: return &settings.port;
    case Keyword::user: return &settings.user;
    case Keyword::identities_only: return &settings.identities_only;
    case Keyword::identity_agent: return &settings.identity_agent;
    case Keyword::user_known_hosts: return &settings.user_known_hosts;
    case Keyword::global_known_hosts: return &settings.global_known_hosts;
    case Keyword::host_key_alias: return &settings.host_key_alias;
    case Keyword::strict_host_key_checking: return &settings.strict_host_key_checking;
    case Keyword::connect_timeout: return &settings.connect_timeout;
    case Keyword::server_alive_interval: return &settings.server_alive_interval;
    case Keyword::proxy_jump: return &settings.proxy_jump;
    case Keyword::proxy_command: return &settings.proxy_command;
    case Keyword::identity_file:
    case Keyword::certificate_file:
    case Keyword::broken: break;
    }
    return nullptr;
}

void add_once(std::vector<SshSettings::Value>& values, SshSettings::Value value) {
    const auto same = [&](const SshSettings::Value& other) { return other.words == value.words; };
    if (values.size() < limits::ssh_identity_files && std::ranges::none_of(values, same)) values.push_back(std::move(value));
}

void take(SshSettings& settings, SshConfig::Keyword keyword, SshSettings::Value value) {
    using Keyword = SshConfig::Keyword;
    if (keyword == Keyword::identity_file) return add_once(settings.identity_files, std::move(value));
    if (keyword == Keyword::certificate_file) return add_once(settings.certificate_files, std::move(value));
    const bool proxy = keyword == Keyword::proxy_jump || keyword == Keyword::proxy_command;
    if (proxy && (settings.proxy_jump || settings.proxy_command)) return;
    if (auto* slot = single(settings, keyword); slot && !*slot) *slot = std::move(value);
}

} // namespace

SshConfig::SshConfig(const std::vector<Source>& sources, const std::string& home, const Include& include) {
    SshConfigParser parser(*this, home, include);
    for (const auto& source : sources) parser.read(source);
    index();
}

std::vector<std::string> SshConfig::plain_host_names() const {
    std::vector<std::string> names;
    for (const auto& block : blocks_) {
        if (!block.host_line) continue;
        for (const auto& criterion : block.criteria)
            if (plain(criterion)) names.push_back(criterion.patterns);
    }
    return names;
}

void SshConfig::index() {
    // A block without lines decides nothing by itself, but others may ask whether it applied.
    std::vector<bool> asked(blocks_.size(), false);
    for (const auto& block : blocks_)
        for (const auto other : {block.parent, block.same_as})
            if (other != Block::none) asked[other] = true;
    // The names by which a block can be found: its own, or those of the block that it hangs on.
    std::vector<std::uint32_t> names_of(blocks_.size(), Block::none);
    for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
        const auto& block = blocks_[i];
        const auto upper = block.same_as != Block::none ? block.same_as : block.parent;
        const bool literal = block.host_line && std::ranges::all_of(block.criteria, plain);
        if (literal) names_of[i] = i;
        else if (upper != Block::none) names_of[i] = names_of[upper];
        if (block.lines.empty() && !asked[i]) continue;
        if (names_of[i] == Block::none) {
            always_.push_back(i);
            continue;
        }
        for (const auto& criterion : blocks_[names_of[i]].criteria) {
            auto& found = literal_[criterion.patterns];
            if (found.empty() || found.back() != i) found.push_back(i);
        }
    }
}

bool SshConfig::applies(const Block& block, const SshTarget& target, const SshSettings& so_far) const {
    if (block.host_line) return host_line_applies(block.criteria, target);
    return std::ranges::all_of(block.criteria,
                               [&](const auto& criterion) { return criterion_holds(criterion, target, so_far); });
}

std::string SshConfig::place(const Line& line) const {
    return line.number == 0 ? files_[line.file] : fmt::format("{}:{}", files_[line.file], line.number);
}

Result<SshSettings> SshConfig::find(const SshTarget& target) const {
    auto candidates = always_;
    for (const auto* name : {&target.name, &target.address}) {
        const auto found = literal_.find(*name);
        if (found != literal_.end()) candidates.insert(candidates.end(), found->second.begin(), found->second.end());
    }
    std::ranges::sort(candidates);
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());

    SshSettings settings;
    std::vector<std::uint32_t> applied; // ascending
    const auto has_applied = [&](std::uint32_t block) { return std::ranges::binary_search(applied, block); };
    for (const auto index : candidates) {
        const auto& block = blocks_[index];
        if (block.same_as != Block::none) {
            if (!has_applied(block.same_as)) continue;
        } else {
            if (block.parent != Block::none && !has_applied(block.parent)) continue;
            if (!applies(block, target, settings)) continue;
        }
        applied.push_back(index);
        for (const auto& line : block.lines) {
            if (line.keyword == Keyword::broken)
                return Error{Errc::config, fmt::format("{}: {}", place(line), line.words.front())};
            take(settings, line.keyword, {line.words, place(line)});
        }
    }
    return settings;
}

} // namespace loom
