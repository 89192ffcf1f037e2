#include "app/files/ansible_files.hpp"

#include "app/files/text_file.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <filesystem>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

bool is_passed_over(const std::string& name) {
    if (name.starts_with('.')) return true;
    for (const std::string_view ending : {"~", ".bak", ".cfg", ".md", ".orig", ".pyc", ".pyo", ".retry", ".rpm", ".rst", ".swp", ".txt"})
        if (name.ends_with(ending)) return true;
    return false;
}

/// The entries of a folder by name; empty when there is no such folder.
std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code ec;
    for (fs::directory_iterator at(folder, ec); !ec && at != fs::directory_iterator(); at.increment(ec))
        if (!is_passed_over(at->path().filename().string())) found.push_back(at->path());
    std::sort(found.begin(), found.end());
    return found;
}

class AnsibleFiles {
public:
    explicit AnsibleFiles(AnsibleTexts& texts) : texts_(texts) {}

    Result<void> read(const fs::path& path) {
        std::error_code ec;
        if (!fs::is_directory(path, ec)) {
            if (auto read = add_inventory(path); !read) return read;
            return read_all_vars(path.parent_path());
        }
        for (const auto& entry : entries_of(path)) {
            if (fs::is_directory(entry, ec)) continue;
            if (auto read = add_inventory(entry); !read) return read;
        }
        if (texts_.inventories.empty()) return Error{Errc::config, fmt::format("{} holds no inventory", path.string())};
        return read_all_vars(path);
    }

private:
    Result<ConfigText> text_of(const fs::path& path) {
        if (++files_ > limits::inventory_files)
            return Error{Errc::config, fmt::format("more than {} files: {}", limits::inventory_files, path.string())};
        auto file = read_text_file(path.string(), limits::config_file_bytes);
        if (!file) return file.error();
        return ConfigText{path.string(), std::move(file->text), file->others_can_read};
    }

    Result<void> add_inventory(const fs::path& path) {
        auto text = text_of(path);
        if (!text) return text.error();
        if (text->text.starts_with("#!"))
            return Error{Errc::config, fmt::format("{} is a program: use {{type: command, command: [{}, --list]}}",
                                                   path.string(), path.string())};
        texts_.inventories.push_back(std::move(*text));
        return {};
    }

    Result<void> read_all_vars(const fs::path& folder) {
        if (auto read = read_vars(folder / "group_vars", texts_.group_vars); !read) return read;
        // What is said of all groups comes before what is said of one.
        std::stable_partition(texts_.group_vars.begin(), texts_.group_vars.end(), [](const auto& vars) { return vars.name == "all"; });
        return read_vars(folder / "host_vars", texts_.host_vars);
    }

    /// `NAME`, `NAME.yml`, `NAME.yaml`, `NAME.json`, or a folder NAME of such files.
    Result<void> read_vars(const fs::path& folder, std::vector<AnsibleTexts::Vars>& into) {
        for (const auto& entry : entries_of(folder)) {
            std::error_code ec;
            if (fs::is_directory(entry, ec)) {
                if (auto read = read_vars_folder(entry, entry.filename().string(), into, 0); !read) return read;
                continue;
            }
            const auto ending = entry.extension();
            const bool known = ending == ".yml" || ending == ".yaml" || ending == ".json";
            // The name may hold dots, as hosts' names do: then only these endings are endings.
            if (auto read = add_vars(entry, (known ? entry.stem() : entry.filename()).string(), into); !read) return read;
        }
        return {};
    }

    Result<void> read_vars_folder(const fs::path& folder, const std::string& name, std::vector<AnsibleTexts::Vars>& into, int depth) {
        if (depth > 8) return Error{Errc::config, fmt::format("folders nested deeper than 8 levels: {}", folder.string())};
        for (const auto& entry : entries_of(folder)) {
            std::error_code ec;
            auto read = fs::is_directory(entry, ec) ? read_vars_folder(entry, name, into, depth + 1) : add_vars(entry, name, into);
            if (!read) return read;
        }
        return {};
    }

    Result<void> add_vars(const fs::path& path, const std::string& name, std::vector<AnsibleTexts::Vars>& into) {
        auto text = text_of(path);
        if (!text) return text.error();
        into.push_back({name, std::move(*text)});
        return {};
    }

    AnsibleTexts& texts_;
    std::size_t files_ = 0;
};

} // namespace

Result<AnsibleTexts> read_ansible_files(const std::string& path, const std::string& settings_path, const std::string& home) {
    AnsibleTexts texts;
    texts.settings_path = settings_path;
    texts.home = home;
    if (auto read = AnsibleFiles(texts).read(path); !read) return read.error();
    return texts;
}

} // namespace loom
