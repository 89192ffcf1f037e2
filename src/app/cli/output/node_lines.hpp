#pragma once
#include "app/cli/context.hpp"

#include <map>

namespace loom {

/// Prints what several nodes print at the same time, line by line, each behind its node's name: standard output to standard
/// output, the rest to standard error. A line is printed when it is whole, when it is too long, or when its node ends.
class NodeLines {
public:
    explicit NodeLines(const CommandContext& context) : streams_(context.streams) {}

    void take(const std::string& node, bool err, std::string_view text);
    /// The node prints no more.
    void end(const std::string& node);

private:
    void print(const std::string& node, bool err, std::string_view line);

    const Streams& streams_;
    std::map<std::pair<std::string, bool>, std::string> begun_; ///< lines without an end
};

} // namespace loom
