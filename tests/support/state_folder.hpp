#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace loom {

/// A folder of the test's own below the system's temporary one; gone with the object.
class StateFolder {
public:
    StateFolder() {
        auto name = (std::filesystem::temp_directory_path() / "loom-store-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw std::runtime_error("mkdtemp failed");
        path_ = name;
    }
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;
    ~StateFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string path(const std::string& name = "state") const { return path_ + "/" + name; }

private:
    std::string path_;
};

} // namespace loom
