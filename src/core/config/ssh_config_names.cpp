#include "core/config/ssh_config_names.hpp"

#include "core/config/reading.hpp"
#include "core/config/words.hpp"

#include <set>

namespace loom {

SshConfigNames read_ssh_config_names(std::string_view text) {
    SshConfigNames found;
    std::set<std::string, std::less<>> seen;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        // `Host=web` and `Host = web` are allowed too.
        const auto key_begin = line.find_first_not_of(" \t");
        if (key_begin == std::string::npos) continue;
        const auto key_end = std::min(line.find_first_of(" \t=", key_begin), line.size());
        auto key = line.substr(key_begin, key_end - key_begin);
        for (auto& c : key)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (key != "host" && key != "include") continue;
        const auto begin = line.find_first_not_of(" \t=", key_end);
        if (begin == std::string::npos) continue;
        const auto words = split_words(std::string_view(line).substr(begin));
        if (!words) continue;
        for (const auto& word : *words) {
            if (key == "include") found.includes.push_back(word);
            else if (plain_name(word) && seen.insert(word).second) found.names.push_back(word);
        }
    }
    return found;
}

} // namespace loom
