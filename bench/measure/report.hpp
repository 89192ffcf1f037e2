#pragma once
#include <boost/json/object.hpp>
#include <string>

namespace loom::bench {

/// What the process had used at one moment.
struct Stamp {
    double cpu_us = 0;   ///< of all threads, user and system
    double wall_us = 0;  ///< of the steady clock
    long resident_kb = 0;
};
Stamp now();

/// One measurement's figures, by name; a figure's unit is the end of its name: `_us`, `_ns`, `_ms`, `_kb`, `_bytes`, `_percent`.
class Report {
public:
    explicit Report(std::string measurement);
    /// Figures come out in the order in which they were set.
    void set(std::string_view name, double value);
    void set(std::string_view name, std::string_view text);
    /// From `before` to now, for so many operations: `cpu_us`, `wall_us` (both for each) and `wall_ms` in all.
    void spent(const Stamp& before, std::size_t operations);
    /// A table for people on standard error, and one JSON line for programs on standard output.
    void print() const;

private:
    boost::json::object figures_;
};

} // namespace loom::bench
