#pragma once
#include "app/store/file.hpp"

namespace loom {

/// The large texts of outputs, beside the database: `ab/<hash>`, each in a file of its own. What is smaller lies in the database.
/// Writing needs the store's write lock, reading needs nothing.
class OutputFiles {
public:
    explicit OutputFiles(std::string folder) : folder_(std::move(folder)) {}

    /// The text is on the disk when this returns.
    Result<void> write(const std::string& hash, std::string_view text) const;
    /// Whether a file of that size is there.
    bool has(const std::string& hash, std::size_t bytes) const;
    Result<std::string> read(const std::string& hash, std::size_t bytes) const;
    std::string path(const std::string& hash) const;

private:
    std::string folder_;
};

/// Says in the folder what lies there; so a folder that belongs to a ledger is never empty.
Result<void> describe_outputs(const std::string& folder);

} // namespace loom
