#pragma once
#include "app/cli/output/node_lines.hpp"
#include "app/cli/reconnect.hpp"
#include "core/run/output_piece.hpp"

#include <map>
#include <set>

namespace loom {

/// Prints what a run's nodes print, as they do, and how each ends: each byte and each end once, over broken connections and
/// lost events too. Lives on the strand that `go` runs on.
class LogFollower {
public:
    LogFollower(CommandContext& context, const OpenService& open, RunRef ref)
        : context_(context), service_(*open.service), remote_(open.remote), ref_(std::move(ref)), reconnect_(context, open),
          lines_(context) {}

    /// Returns at the end of the run or of the daemon.
    awaitable<Result<void>> go();
    /// The run, in full once it has been seen: `last` may mean another one by now.
    const RunRef& run() const { return ref_; }

private:
    awaitable<void> begin(Event first);
    awaitable<void> print_missed();
    awaitable<void> print(Event event);
    awaitable<void> print_output(Event event);
    awaitable<void> catch_up(std::string node);
    void print_piece(const std::string& node, std::string_view stream, const OutputPieceView& piece);
    void print_end(const NodeResultView& result);
    void begin_anew(const std::string& node, int attempts);

    CommandContext& context_;
    Service& service_;
    const bool remote_;
    RunRef ref_;
    Reconnect reconnect_;
    NodeLines lines_;
    std::set<std::string> printed_;             ///< nodes whose end was printed
    std::map<std::string, OutputPlace> places_; ///< of those that go on
    bool known_ = false;                        ///< the run was seen
    bool ended_ = false;
};

/// Prints what one node prints, from its beginning: to its end, or with `follow` false what there is so far. Returns its result.
awaitable<Result<NodeResultView>> print_node_output(CommandContext& context, const OpenService& open, NodeRef ref, bool follow);

/// How a node ended, and why.
std::string end_of(const NodeResultView& result);

} // namespace loom
