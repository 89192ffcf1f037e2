#include "app/files/watch_plan.hpp"

#include <deque>
#include <filesystem>

namespace loom {
namespace {

namespace fs = std::filesystem;

class Planner {
public:
    std::map<std::string, WatchedFolder> run(const WatchList& list) {
        for (const auto& file : list.files) follow(file);
        if (!list.jobs_path.empty()) {
            follow(list.jobs_path);
            visit(list.jobs_path, &WatchedFolder::manifests, true);
        }
        // A folder of manifests may be one of an inventory too.
        seen_.clear();
        for (const auto& folder : list.folders) {
            follow(folder);
            visit(folder, &WatchedFolder::all, false);
        }
        seen_.clear();
        for (const auto& tree : list.trees) {
            follow(tree);
            visit(tree, &WatchedFolder::all, true);
        }
        return std::move(folders_);
    }

private:
    /// Walks an absolute path part by part, through its links.
    void follow(const fs::path& path) {
        std::deque<fs::path> rest(path.begin(), path.end());
        fs::path folder = "/";
        for (int links = 0; !rest.empty();) {
            const auto part = rest.front();
            rest.pop_front();
            if (part.empty() || part == "." || part == "/") continue;
            if (part == "..") {
                folder = folder.parent_path();
                continue;
            }
            std::error_code ec;
            const auto here = folder / part;
            if (fs::is_symlink(here, ec)) {
                note(folder, part);
                const auto target = fs::read_symlink(here, ec);
                if (ec || ++links > 40) return; // as the kernel's own bound on links
                if (target.is_absolute()) folder = "/";
                rest.insert(rest.begin(), target.begin(), target.end());
            } else if (rest.empty() || !fs::is_directory(here, ec)) {
                note(folder, part);
                return;
            } else {
                folder = here;
            }
        }
    }

    void visit(const fs::path& folder, bool WatchedFolder::*what, bool deep) {
        std::error_code ec;
        const auto real = fs::canonical(folder, ec);
        if (ec || !fs::is_directory(real, ec) || !seen_.insert(real.string()).second) return;
        folders_[real.string()].*what = true;
        fs::directory_iterator entries(real, fs::directory_options::skip_permission_denied, ec);
        for (; !ec && entries != fs::directory_iterator(); entries.increment(ec)) {
            const auto& path = entries->path();
            if (path.filename().string().starts_with('.')) continue;
            std::error_code ignored;
            if (fs::is_symlink(path, ignored)) follow(path);
            if (deep && fs::is_directory(path, ignored)) visit(path, what, true);
        }
    }

    void note(const fs::path& folder, const fs::path& name) { folders_[folder.string()].names.insert(name.string()); }

    std::map<std::string, WatchedFolder> folders_;
    std::set<std::string> seen_;
};

} // namespace

std::map<std::string, WatchedFolder> plan_watches(const WatchList& list) { return Planner().run(list); }

} // namespace loom
