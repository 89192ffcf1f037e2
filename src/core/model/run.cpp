#include "core/model/run.hpp"

namespace loom {

std::string_view to_string(Reason reason) {
    switch (reason) {
    case Reason::cron: return "cron";
    case Reason::catch_up: return "catch_up";
    case Reason::manual: return "manual";
    case Reason::exec: return "exec";
    case Reason::retry: return "retry";
    case Reason::rerun: return "rerun";
    case Reason::after: return "after";
    case Reason::backfill: return "backfill";
    case Reason::node_catch_up: return "node_catch_up";
    case Reason::webhook: return "webhook";
    case Reason::check: return "check";
    }
    return "";
}

std::optional<Reason> parse_reason(std::string_view text) {
    for (const auto reason : {Reason::cron, Reason::catch_up, Reason::manual, Reason::exec, Reason::retry, Reason::rerun,
                              Reason::after, Reason::backfill, Reason::node_catch_up, Reason::webhook, Reason::check})
        if (text == to_string(reason)) return reason;
    return std::nullopt;
}

std::string claim_of(Instant due) { return std::to_string(due.time_since_epoch().count()); }

std::string claim_of(Instant due, const std::string& node) { return claim_of(due) + " " + node; }

std::string claim_of(const std::vector<std::string>& upstream) {
    std::string claim = "after";
    for (const auto& run : upstream) claim += " " + run;
    return claim;
}

} // namespace loom
