#pragma once
#include "core/base/error.hpp"

#include <string>

namespace loom {

/// Closes the descriptor when it goes.
struct OpenFile {
    explicit OpenFile(int fd) : descriptor(fd) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile();
    const int descriptor;
};

/// `cannot read /x: Permission denied`
Error file_error(const char* verb, const std::string& file, int number);

/// The whole file, at most limits::config_file_bytes. Blocks.
Result<std::string> read_whole_file(const std::string& file);

/// The rest of an open file; `name` is for messages.
Result<std::string> read_whole_file(const OpenFile& file, const std::string& name);

} // namespace loom
