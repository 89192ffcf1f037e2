#pragma once
#include "core/base/error.hpp"

#include <string>

namespace loom {

struct TextFile {
    std::string text;
    bool others_can_read = false; ///< by its mode, any user of the host can
};

/// Reads a regular file of at most `most` bytes. Blocks. An Errc::config error has the path and the system's reason.
Result<TextFile> read_text_file(const std::string& path, std::size_t most);

} // namespace loom
