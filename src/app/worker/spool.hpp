#pragma once
#include "app/store/locks.hpp"
#include "app/worker/frames.hpp"

#include <cstdint>
#include <memory>

namespace loom {

/// Files on their way between workers and nodes: a folder of this process's own in `state_dir`, mode 0700, which goes with it. What a
/// process that died has left there goes when the next one opens the spool. All of it blocks. Any thread.
class Spool {
public:
    static Result<std::shared_ptr<Spool>> open(const std::string& state_dir);
    ~Spool();

    /// A folder for one file, empty; to be removed by `remove`.
    Result<std::string> make_folder();
    static void remove(const std::string& folder);

private:
    Spool(std::string folder, FileLock lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}

    std::string folder_;
    FileLock lock_;
};

/// Writes the bytes into a new file. What the node's file is called and may is said with the put.
Result<void> spool_bytes(const std::string& file, std::string_view bytes);

/// Copies what the descriptor holds into a new file: of a regular file alone, from its start, at most so much. It is read through the
/// descriptor, never through a name: who could open it is who sent it.
Result<void> spool_file(const std::string& file, const Descriptor& from, std::uint64_t most);

/// The one file that was fetched into the folder.
struct Fetched {
    std::uint64_t size = 0;
    std::string bytes; ///< where no descriptor takes them
};

/// Writes it to `into`, an open regular file, or gives its bytes where there is none and they are few.
Result<Fetched> take_fetched(const std::string& folder, const Descriptor& into);

} // namespace loom
