#pragma once
#include "app/cli/output/paint.hpp"
#include "core/base/duration.hpp"

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>

namespace loom {

/// Where a run stands.
struct ProgressSnapshot {
    std::map<std::string, std::uint32_t> counts; ///< state → nodes
    std::uint32_t targets = 0;
    Milliseconds elapsed{0};

    std::uint32_t ended() const;
};

/// One line of at most `width` columns, without line end: a bar, what has ended, counts by state, the time. Pure.
std::string render_progress(std::size_t width, const ProgressSnapshot& snapshot, Paint paint);

/// Keeps one line on a terminal up to date, and takes it away again.
class ProgressLine {
public:
    explicit ProgressLine(std::ostream& terminal) : terminal_(terminal) {}
    ~ProgressLine() { clear(); }
    void draw(const std::string& line);
    void clear();

private:
    std::ostream& terminal_;
    std::string drawn_;
};

} // namespace loom
