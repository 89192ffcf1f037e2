#pragma once
#include <string>

namespace loom::bench {

/// A throw-away folder, gone with this object.
class Folder {
public:
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();

    const std::string& path() const { return path_; }
    /// Writes a file of this name, and gives its path.
    std::string write(const std::string& name, const std::string& text) const;

private:
    std::string path_;
};

} // namespace loom::bench
