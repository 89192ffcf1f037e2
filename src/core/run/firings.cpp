#include "core/run/firings.hpp"

#include "core/run/history.hpp"
#include "core/run/queries.hpp"
#include "core/run/retry.hpp"

namespace loom {

awaitable<Result<Firing>> job_firing(Journal& journal, CatalogPtr catalog, StartJob request) {
    const auto failed = co_await failed_lookup(journal, request.limit);
    if (!failed) co_return failed.error();
    co_return firing_of(std::move(catalog), request, *failed);
}

awaitable<Result<Firing>> retry_firing(Journal& journal, CatalogPtr catalog, StartRetry request) {
    const auto failed = co_await failed_lookup(journal, request.limit);
    if (!failed) co_return failed.error();
    auto run = co_await find_run(journal, request.id);
    if (!run) co_return run.error();
    auto results = co_await results_of(journal, run->id);
    if (!results) co_return results.error();
    auto ask = [id = run->id](RunStore& store) { return store.spec(id); };
    auto spec = co_await journal.read(std::move(ask));
    if (!spec) co_return spec.error();
    run->spec = std::move(*spec);
    const auto limited = within_limit(*catalog, std::move(*results), request.limit, *failed);
    if (!limited) co_return limited.error();
    auto firing = firing_of(catalog, *run, *limited, request);
    if (!firing) co_return firing.error();
    if (auto set = set_become_password(firing->plan.task, request.become_password); !set) co_return set.error();
    co_return firing;
}

awaitable<Result<Firing>> exec_firing(Journal& journal, CatalogPtr catalog, const TaskRegistry& tasks, StartExec request) {
    auto expressions = request.targets + ' ' + request.limit;
    const auto failed = co_await failed_lookup(journal, std::move(expressions));
    if (!failed) co_return failed.error();
    auto firing = firing_of(catalog, request, *failed);
    if (!firing) co_return firing.error();
    // Refused here, not on each node. A load says Errc::config of what is a wrong request here.
    if (const auto task = tasks.make(firing->plan.task, catalog->settings.plugins); !task) {
        auto wrong = task.error();
        if (wrong.code == Errc::config) wrong.code = Errc::usage;
        co_return wrong;
    }
    co_return firing;
}

} // namespace loom
