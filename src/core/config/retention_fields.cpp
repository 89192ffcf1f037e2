#include "core/config/retention_fields.hpp"

namespace loom {
namespace {

constexpr long runs_most = 1'000'000'000;

/// `off` is zero: without a limit.
bool is_off(const YamlNode& node) { return node.kind == YamlNode::Kind::scalar && node.text == "off"; }

bool read_runs(const YamlNode& node, std::uint64_t& into, Faults& faults) {
    long number = 0;
    if (!is_off(node) && !read_integer(node, 1, runs_most, number, faults)) return false;
    into = static_cast<std::uint64_t>(number);
    return true;
}

constexpr Field<Retention> retention_fields[] = {
    {"age", [](const YamlNode& node, Retention& into, Faults& faults) { read_duration(node, into.age, faults); }},
    {"runs", [](const YamlNode& node, Retention& into, Faults& faults) { read_runs(node, into.runs, faults); }},
    {"bytes", [](const YamlNode& node, Retention& into, Faults& faults) { read_bytes(node, into.bytes, faults); }},
};

constexpr Field<JobRetention> job_retention_fields[] = {
    {"age",
     [](const YamlNode& node, JobRetention& into, Faults& faults) {
         if (Milliseconds age{}; read_duration(node, age, faults)) into.age = age;
     }},
    {"runs",
     [](const YamlNode& node, JobRetention& into, Faults& faults) {
         if (std::uint64_t runs = 0; read_runs(node, runs, faults)) into.runs = runs;
     }},
    {"bytes",
     [](const YamlNode& node, JobRetention& into, Faults& faults) {
         if (std::uint64_t bytes = 0; read_bytes(node, bytes, faults)) into.bytes = bytes;
     }},
};

} // namespace

void read_retention(const YamlNode& node, Retention& retention, Faults& faults) {
    read_map<Retention>(node, retention_fields, retention, faults);
}

void read_job_retention(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_map<JobRetention>(node, job_retention_fields, draft.job.policy->retention, faults);
}

} // namespace loom
