#include "core/run/catalog_in_force.hpp"

#include "core/async/offload.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/run/to_views.hpp"

#include <unistd.h>

namespace loom {

CatalogInForce::CatalogInForce(const EngineParts& parts, CatalogPtr first)
    : parts_(parts), catalog_(std::move(first)), taken_at_(parts.clock->now()) {}

CatalogPtr CatalogInForce::current() const {
    const std::lock_guard lock(mutex_);
    return catalog_;
}

CatalogView CatalogInForce::view() const {
    auto view = to_view(*current());
    view.pid = ::getpid();
    const std::lock_guard lock(mutex_);
    view.last_error = last_error_;
    for (const auto& problem : beside_) view.problems.push_back(to_view(problem));
    return view;
}

CatalogDiffView CatalogInForce::diff() const {
    const std::lock_guard lock(mutex_);
    auto view = diff_;
    view.last_error = last_error_;
    return view;
}

void CatalogInForce::measure(EngineMeasures& into) const {
    const std::lock_guard lock(mutex_);
    into.reloaded = last_error_.empty();
    into.taken = taken_at_;
}

void CatalogInForce::when_reloaded(std::function<std::vector<Problem>()> read) {
    const std::lock_guard lock(mutex_);
    read_more_ = std::move(read);
}

awaitable<Result<void>> CatalogInForce::reload(std::string by, std::function<void(CatalogPtr)> activate) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++reloads_;
    }
    CatalogDiff diff;
    auto read = [&, before = current()]() -> Result<CatalogPtr> {
        auto read_anew = parts_.read_catalog();
        if (read_anew) diff = diff_catalogs(*before, **read_anew);
        return read_anew;
    };
    auto fresh = co_await offload(parts_.blocking_executor, std::move(read));
    failpoint("reload.read");
    bool newest = false, changed = false;
    std::function<std::vector<Problem>()> more;
    {
        const std::lock_guard lock(mutex_);
        more = read_more_;
        newest = number > taken_;
        if (newest) {
            taken_ = number;
            last_error_ = fresh ? std::string() : fresh.error().message;
        }
        if (newest && fresh) {
            // Taken even where no text has changed: a secret may have, which no digest shows.
            changed = catalog_->digest != (*fresh)->digest;
            const auto now = parts_.clock->now();
            if (changed) {
                diff_ = to_view(diff);
                diff_.at = to_rfc3339(now);
                diff_.by = by;
                diff_.before = catalog_->digest;
                diff_.digest = (*fresh)->digest;
            }
            catalog_ = *fresh;
            taken_at_ = now;
            activate(*fresh);
            set_log_levels((*fresh)->settings.log.in_force());
        }
    }
    failpoint("reload.taken");
    auto beside = co_await offload(parts_.blocking_executor, std::move(more));
    {
        const std::lock_guard lock(mutex_);
        beside_ = std::move(beside);
    }
    if (!newest) co_return Result<void>(); // a reload that began later has ended already: this one read older files
    if (!fresh) {
        logs::config.error({}, "the new configuration is not taken: {}", fresh.error().message);
        co_return fresh.error();
    }
    if (changed) {
        logs::config.info({}, "configuration {} is in force: {} nodes, {} jobs ({})", (*fresh)->digest.substr(0, 12),
                          (*fresh)->nodes.size(), (*fresh)->jobs.size(), by);
        for (const auto& problem : (*fresh)->problems) logs::config.warn({.job = problem.job}, "{}: {}", problem.place, problem.message);
    }
    co_return Result<void>();
}

} // namespace loom
