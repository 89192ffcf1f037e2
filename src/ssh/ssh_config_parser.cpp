#include "ssh/ssh_config_parser.hpp"

#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "ssh/patterns.hpp"
#include "ssh/ssh_config_keywords.hpp"
#include "ssh/ssh_config_words.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

using Keyword = SshConfig::Keyword;
using Criterion = SshConfig::Criterion;

std::string shown_path(const std::string& path, const std::string& home) {
    return !home.empty() && path.starts_with(home + "/") ? "~" + path.substr(home.size()) : path;
}

} // namespace

void SshConfigParser::read(const SshConfig::Source& source) { read_file(source.file, source.folder, SshConfig::Block::none, 0); }

void SshConfigParser::read_file(const SshConfig::File& file, const std::string& folder, std::uint32_t parent, std::size_t depth) {
    Where where{folder, static_cast<std::uint32_t>(into_.files_.size()), 0, depth};
    into_.files_.push_back(shown_path(file.path, home_));
    begin(parent);
    if (!file.text) return refuse(where, file.text.error().message);
    for (std::string_view text = *file.text; !text.empty();) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++where.number;
        // \r: files written elsewhere; \f: as ssh does.
        line = line.substr(0, line.find_last_not_of(" \t\r\n\f") + 1);
        if (line.find('\0') != line.npos) refuse(where, "a NUL byte");
        else read_line(where, line, parent);
    }
}

void SshConfigParser::read_line(Where& where, std::string_view line, std::uint32_t parent) {
    auto rest = line;
    auto first = next_delimited(rest);
    if (first && first->empty()) first = next_delimited(rest); // leading white space
    if (!first || first->empty() || first->starts_with('#')) {
        if (!first && !line.empty()) refuse(where, "a quote is not closed");
        return;
    }
    const auto keyword = lower(*first);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    if (rest.empty()) return refuse(where, fmt::format("{}: a value is missing", *first));
    if (keyword == "match") return match_line(where, rest, parent);
    auto words = split_config_words(rest);
    if (!words) {
        if (keyword == "host") begin(parent); // whom it meant is not known: nobody is reached by a guess
        return refuse(where, fmt::format("{}: a quote is not closed", *first));
    }
    if (keyword == "host") return host_line(where, *words, parent);
    if (keyword == "include") return include_line(where, *words);
    value_line(where, *first, rest, std::move(*words));
}

void SshConfigParser::host_line(const Where& where, const std::vector<std::string>& words, std::uint32_t parent) {
    auto& block = begin(parent);
    block.host_line = true;
    for (const auto& word : words) {
        const bool negated = word.starts_with('!');
        auto pattern = word.substr(negated ? 1 : 0);
        if (pattern.empty()) {
            begin(parent);
            return refuse(where, "Host: a pattern is empty");
        }
        block.criteria.push_back({Criterion::Kind::host_pattern, negated, std::move(pattern)});
    }
}

void SshConfigParser::match_line(const Where& where, std::string_view rest, std::uint32_t parent) {
    using Kind = Criterion::Kind;
    auto& block = begin(parent);
    const auto never = [&](std::string message) {
        block.criteria = {{Kind::never, false, {}}};
        warn(where, "match", "Match " + message + ": these lines apply to no host");
    };
    // A line that cannot be understood refuses every host: whom it meant is not known.
    const auto bad = [&](const std::string& message) {
        block.criteria.clear();
        refuse(where, "Match" + message);
    };
    std::size_t count = 0;
    for (;;) {
        auto word = next_delimited(rest);
        if (!word || word->empty() || word->starts_with('#')) break;
        const bool negated = word->starts_with('!');
        const auto name = lower(word->substr(negated ? 1 : 0));
        ++count;
        if (name == "all") {
            const auto more = next_delimited(rest);
            if (count > 1 || (more && !more->empty() && !more->starts_with('#')))
                return bad(": all stands alone");
            if (negated) block.criteria.push_back({Kind::never, false, {}});
            return;
        }
        if (name == "canonical" || name == "final") return never(name + " is not known here");
        auto patterns = next_delimited(rest);
        if (!patterns || patterns->empty() || patterns->starts_with('#'))
            return bad(fmt::format(" {}: a pattern is missing", name));
        if (name == "host") block.criteria.push_back({Kind::host, negated, lower(*patterns)});
        else if (name == "originalhost") block.criteria.push_back({Kind::original_host, negated, lower(*patterns)});
        else if (name == "user") block.criteria.push_back({Kind::user, negated, *patterns});
        else if (name == "localuser") block.criteria.push_back({Kind::local_user, negated, *patterns});
        else if (name == "exec") return never("exec is not run");
        else return never(fmt::format("{} is not known here", name));
    }
    if (count == 0) bad(": a criterion is missing");
}

void SshConfigParser::include_line(const Where& where, const std::vector<std::string>& words) {
    if (where.depth + 1 >= limits::ssh_config_depth) return refuse(where, "Include: files include each other without end");
    const auto enclosing = static_cast<std::uint32_t>(into_.blocks_.size() - 1);
    for (const auto& word : words) {
        auto pattern = word;
        if (pattern.starts_with("~/")) pattern = home_ + pattern.substr(1);
        else if (!pattern.starts_with('/')) pattern = where.folder + "/" + pattern;
        if (word.empty() || pattern.starts_with('~')) {
            refuse(where, fmt::format("Include: \"{}\" is no path", word));
            continue;
        }
        for (const auto& file : include_(pattern)) {
            if (into_.files_.size() >= limits::ssh_config_files)
                return refuse(where, fmt::format("Include: more than {} files", limits::ssh_config_files));
            read_file(file, where.folder, enclosing, where.depth + 1);
        }
    }
    // What follows belongs to the block that was open before.
    if (into_.blocks_.size() - 1 == enclosing) return;
    const auto original = into_.blocks_[enclosing].same_as;
    begin(SshConfig::Block::none).same_as = original == SshConfig::Block::none ? enclosing : original;
}

void SshConfigParser::value_line(const Where& where, const std::string& keyword, std::string_view rest,
                                 std::vector<std::string> words) {
    const auto known = find_ssh_keyword(lower(keyword));
    if (known.kind != SshKeyword::Kind::obeyed) return other_keyword(where, keyword, words);
    if (known.obeyed == Keyword::proxy_command || known.obeyed == Keyword::proxy_jump) {
        // The whole rest of the line, quotes and all.
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n="), rest.size()));
        words = {std::string(rest)};
    }
    if (auto fault = value_fault(known.obeyed, words); !fault.empty())
        return refuse(where, fmt::format("{}: {}", keyword, fault));
    if (known.obeyed == Keyword::proxy_jump && words[0].find('%') == std::string::npos)
        if (const auto hosts = read_jump(words[0]); !hosts)
            return refuse(where, fmt::format("{}: {}", keyword, hosts.error().message));
    add(where, known.obeyed, std::move(words));
}

void SshConfigParser::other_keyword(const Where& where, const std::string& keyword, const std::vector<std::string>& words) {
    const auto name = lower(keyword);
    const auto known = find_ssh_keyword(name);
    if (name == "ignoreunknown" && !words.empty()) ignore_unknown_.push_back(words[0]);
    if (known.kind == SshKeyword::Kind::ignored && (words.empty() || lower(words[0]) != known.harmless_value))
        warn(where, name, fmt::format("{} is passed over: Loom does not know it", keyword));
    if (known.kind != SshKeyword::Kind::unknown) return;
    for (const auto& patterns : ignore_unknown_)
        if (pattern_list_matches(patterns, name) || pattern_list_matches(patterns, keyword)) return;
    warn(where, name, fmt::format("unknown keyword \"{}\"{}", keyword, did_you_mean(name, ssh_keyword_names())));
}

SshConfig::Block& SshConfigParser::begin(std::uint32_t parent) {
    auto& block = into_.blocks_.emplace_back();
    block.parent = parent;
    return block;
}

void SshConfigParser::add(const Where& where, Keyword keyword, std::vector<std::string> words) {
    into_.blocks_.back().lines.push_back({keyword, std::move(words), where.file, where.number});
}

void SshConfigParser::refuse(const Where& where, std::string message) { add(where, Keyword::broken, {std::move(message)}); }

void SshConfigParser::warn(const Where& where, const std::string& about, std::string message) {
    if (!warned_.insert(about).second) return;
    into_.warnings_.push_back({fmt::format("{}:{}", into_.files_[where.file], where.number), std::move(message)});
}

} // namespace loom
