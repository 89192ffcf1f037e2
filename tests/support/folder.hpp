#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace loom::tests {

/// A folder of files for one test below the system's temporary one, by its real path; gone with the object.
class Folder {
public:
    Folder() {
        auto name = (std::filesystem::temp_directory_path() / "loom-files-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed");
        top_ = std::filesystem::canonical(name).string();
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(top_, ignored);
    }

    /// The folder itself for an empty name.
    std::string path(const std::string& name) const { return name.empty() ? top_ : top_ + "/" + name; }

    /// Writes a file, and the folders above it.
    void write(const std::string& name, const std::string& text = "") const {
        std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
        std::ofstream(path(name), std::ios::binary) << text;
    }

    std::string read(const std::string& name) const {
        std::ifstream in(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

private:
    std::string top_;
};

} // namespace loom::tests
