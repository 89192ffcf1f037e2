#pragma once
#include "app/cli/context.hpp"
#include "app/cli/output/progress.hpp"
#include "app/cli/reconnect.hpp"
#include "core/async/scope.hpp"

#include <atomic>

namespace loom {

/// How watching a run came to its end.
struct Followed {
    enum class Ending : std::uint8_t { ended, detached, left };
    RunView run;
    Ending ending = Ending::ended;
    bool interrupted = false; ///< Ctrl-C cancelled it
};

/// Watches a run to its end and draws its progress on stderr. Ctrl-C: in process the first one cancels the run and a
/// second one leaves at once; through a daemon the first one detaches, one that comes within `detach_grace` of it
/// cancels, and a third leaves at once. Lives on the strand that `follow` runs on.
class Follower {
public:
    Follower(CommandContext& context, OpenService& open, RunView run);

    awaitable<Result<Followed>> follow();

private:
    awaitable<Result<void>> watch();
    awaitable<void> tick();
    awaitable<void> handle_interrupts();
    awaitable<void> refresh();
    awaitable<bool> connects_again(Error error);
    void apply(const Event& event);
    void show_tried(const Event& event);
    void draw();

    CommandContext& context_;
    Service& service_;
    const bool daemon_;
    RunView run_;
    ProgressLine line_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point said_ = began_;
    std::unique_ptr<EventStream> stream_;
    /// Counted on any thread; shared, because a signal may still be under way when the follower goes.
    std::shared_ptr<std::atomic<int>> interrupts_ = std::make_shared<std::atomic<int>>(0);
    std::unique_ptr<Bell> bell_; ///< rung by an interrupt and at the end
    int handled_ = 0;
    Followed::Ending ending_ = Followed::Ending::ended;
    bool done_ = false;
    Reconnect reconnect_;
};

/// Follows the run and ends its stderr line. Blocks.
Result<Followed> follow_run(CommandContext& context, OpenService& open, RunView run);

} // namespace loom
