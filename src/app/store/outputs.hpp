#pragma once
#include "app/store/file.hpp"

#include <optional>
#include <vector>

namespace loom {

/// Where an output's text lies: in a segment from `start` on, or in a file of its own.
struct SegmentPlace {
    std::optional<std::int64_t> segment;
    std::uint64_t start = 0;
};

/// The text of outputs, outside the database: `segment-000001` and so on, shared by small ones, and `ab/<hash>` for
/// each large one. A segment is only ever added to, until it is full; what is dead in it goes with the whole file. A tail that no row names (a crash, a batch that failed) is dead weight: the
/// next batch is written behind it. Writing needs the store's write lock, reading needs nothing.
class OutputFiles {
public:
    explicit OutputFiles(std::string folder) : folder_(std::move(folder)) {}

    /// Forgets an unfinished batch. The newest segment's end is looked up anew: other processes append too.
    void begin();
    /// Takes one text of a batch. The caller has made sure that this hash is new.
    Result<SegmentPlace> put(const std::string& hash, std::string_view text);
    /// What was put is on the disk when this returns.
    Result<void> sync();

    Result<std::string> read(const SegmentPlace& place, const std::string& hash, std::size_t bytes) const;

    /// Number and size of each segment that is there, in order.
    Result<std::vector<std::pair<std::int64_t, std::uint64_t>>> segments() const;
    std::string segment_path(std::int64_t number) const;
    std::string own_path(const std::string& hash) const;

private:
    Result<void> find_end();
    Result<void> open_segment();
    Result<void> flush();
    Result<void> write_own(const std::string& hash, std::string_view text);

    std::string folder_;
    std::int64_t number_ = 0; ///< of the newest segment; 0: not looked yet
    std::optional<File> segment_;
    std::optional<std::uint64_t> end_; ///< where `pending_` goes; empty: this batch has not looked yet
    std::string pending_;
    bool unsynced_ = false;
};

} // namespace loom
