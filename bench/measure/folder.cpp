#include "measure/folder.hpp"

#include "measure/rig.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace loom::bench {

namespace fs = std::filesystem;

Folder::Folder() : path_((fs::temp_directory_path() / "loom-bench-XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) give_up("cannot make a folder");
}

Folder::~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& text) const {
    const auto path = path_ + "/" + name;
    std::ofstream file(path);
    if (!(file << text).flush()) give_up("cannot write " + path);
    return path;
}

} // namespace loom::bench
