#pragma once
#include <span>
#include <string_view>

namespace loom {

/// A file of share/python, which is in the program itself: a worker gets a copy of its own.
struct PythonFile {
    std::string_view path; ///< `loom_worker/__main__.py`
    std::string_view text;
};

std::span<const PythonFile> python_files();

} // namespace loom
