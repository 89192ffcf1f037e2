#pragma once
#include "core/run/diff_views.hpp"
#include "core/run/engine.hpp"

#include <mutex>

namespace loom {

/// The catalog that counts, and how another one takes its place. Any thread; the parts outlive it.
class CatalogInForce {
public:
    CatalogInForce(const EngineParts& parts, CatalogPtr first);

    CatalogPtr current() const;
    /// What is configured and wrong with it; who drains is the caller's to add.
    CatalogView view() const;
    /// What the last reload has changed.
    CatalogDiffView diff() const;
    void measure(EngineMeasures& into) const;

    /// Reads the configuration anew and takes it, or says why it stays as it was. `activate` is called with each that is taken, in
    /// the order in which they are.
    awaitable<Result<void>> reload(std::string by, std::function<void(CatalogPtr)> activate);
    /// Engine::when_reloaded.
    void when_reloaded(std::function<std::vector<Problem>()> read);

private:
    const EngineParts& parts_;
    mutable std::mutex mutex_; ///< guards what follows
    std::function<std::vector<Problem>()> read_more_ = [] { return std::vector<Problem>(); };
    CatalogPtr catalog_;
    std::string last_error_;
    CatalogDiffView diff_;        ///< of the last reload that changed something
    std::vector<Problem> beside_; ///< what `read_more_` has found
    Instant taken_at_;            ///< when `catalog_` was
    std::uint64_t reloads_ = 0;   ///< that have begun
    std::uint64_t taken_ = 0;     ///< the newest of them that has ended
};

} // namespace loom
