#include "measure/measurements.hpp"
#include "measure/report.hpp"

#include "core/time/instant.hpp"

#include <algorithm>
#include <map>

namespace loom::bench {
namespace {

double milliseconds_between(const std::optional<std::string>& from, const std::optional<std::string>& to) {
    const auto begin = parse_instant(from.value_or("")), end = parse_instant(to.value_or(""));
    return begin && end ? static_cast<double>((*end - *begin).count()) : 0;
}

double percentile(std::vector<double> values, double part) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

} // namespace

void faults(const FleetOptions& given) {
    auto options = given;
    constexpr double deadline_ms = 2000;
    options.job = "    timeout: {connect: 2s, handshake: 2s}\n    retry: {connect: 1}\n";
    Rig rig(options);
    const auto before = now();
    const auto run = rig.fire();
    Report report("faults");
    report.spent(before, options.count);
    double healthy_ms = 0;
    std::vector<double> late;
    std::map<std::string, double> verdicts;
    for (const auto& result : rig.results(run.id)) {
        ++verdicts[result.state + (result.cause.empty() ? "" : "_" + result.cause)];
        if (result.state == "ok") healthy_ms = std::max(healthy_ms, milliseconds_between(run.started, result.finished));
        if (result.cause == "handshake" && result.message.find(" within ") != std::string::npos)
            late.push_back(milliseconds_between(result.started, result.finished) - deadline_ms);
    }
    report.set("healthy_wall_ms", healthy_ms);
    report.set("deadlines", static_cast<double>(late.size()));
    report.set("deadline_error_p99_ms", percentile(late, 0.99));
    for (const auto& [name, count] : verdicts) report.set(name, count);
    report.print();
}

} // namespace loom::bench
