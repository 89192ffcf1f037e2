#pragma once
#include "core/base/error.hpp"
#include "ssh/files.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace loom {

// The local side of a transfer. Everything here blocks, so it runs on the blocking executor.

/// `~/x` below `home`; anything else as it stands.
std::string expand_home(const std::string& path, const std::string& home);

struct LocalEntry {
    enum class Kind : std::uint8_t { file, folder, link, other };
    Kind kind = Kind::file;
    std::string path;     ///< to open it
    std::string relative; ///< to the source; empty for the source itself
    unsigned mode = 0;    ///< permissions, without setuid, setgid and sticky
    std::uint64_t size = 0;
    FileStamp stamp;
    std::string link;     ///< the text of a link
};

/// The source and what it holds, folders before their entries, in the order of names. A link that is named outright is
/// followed, one within the tree is an entry. At most limits::tree_entries, limits::tree_depth deep.
Result<std::vector<LocalEntry>> list_local(const std::string& source);

/// A regular file, read from its start to the size that it had when it was opened.
class LocalReader {
public:
    static Result<std::shared_ptr<LocalReader>> open(const std::string& path);
    /// At most `most` bytes; none at the end.
    Result<std::string> read(std::size_t most);

private:
    LocalReader(int fd, std::string name, std::uint64_t size) : file_(fd), name_(std::move(name)), left_(size) {}
    OpenFile file_;
    std::string name_;
    std::uint64_t left_;
};

/// The SHA-256 of a file. `stop` gives it up: an Error that nobody reads.
Result<std::string> hash_local(const std::string& path, const std::atomic<bool>& stop);

/// The folder that one node's files are written beneath. Its parents are the user's own and may be links; below it no link
/// is followed, whoever made it.
class LocalFolder {
public:
    /// Makes `folder`/`below` where it is missing.
    static Result<std::shared_ptr<LocalFolder>> open(const std::string& folder, const std::string& below);
    /// Makes nothing: null where it is missing.
    static Result<std::shared_ptr<LocalFolder>> find(const std::string& folder, const std::string& below);

    /// One that is there already keeps its permissions.
    Result<void> make_folder(const std::string& relative, unsigned mode) const;
    struct Found {
        bool folder = false;
        unsigned mode = 0;
        std::uint64_t size = 0;
    };
    /// A regular file or a folder; nothing for anything else.
    std::optional<Found> look(const std::string& relative) const;
    Result<std::string> hash(const std::string& relative, std::shared_ptr<const std::atomic<bool>> stop) const;
    Result<void> set_mode(const std::string& relative, unsigned mode) const;

    /// A file that gets its name only when it is whole.
    class NewFile {
    public:
        NewFile(int folder, int file, std::string temporary, std::string name, std::string shown)
            : folder_(folder), file_(file), temporary_(std::move(temporary)), name_(std::move(name)), shown_(std::move(shown)) {}
        Result<void> write(std::string_view bytes) const;
        Result<void> finish(unsigned mode);
        /// Removes what was written; nothing after `finish`.
        void discard();

    private:
        OpenFile folder_, file_;
        std::string temporary_, name_, shown_;
    };
    Result<std::shared_ptr<NewFile>> create(const std::string& relative, const std::string& random) const;

private:
    static Result<std::shared_ptr<LocalFolder>> open_below(const OpenFile& parent, const std::string& name, const std::string& below);
    LocalFolder(int fd, std::string name) : root_(fd), name_(std::move(name)) {}
    Error error(const char* verb, const std::string& relative) const;
    /// The folder that holds `relative`, and its last name.
    Result<int> open_parent(const std::string& relative, std::string& name) const;

    OpenFile root_;
    std::string name_;
};

} // namespace loom
