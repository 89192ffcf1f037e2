#include "measure/report.hpp"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <unistd.h>

namespace loom::bench {

Stamp now() {
    Stamp stamp;
    timespec cpu{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    stamp.cpu_us = static_cast<double>(cpu.tv_sec) * 1e6 + static_cast<double>(cpu.tv_nsec) / 1e3;
    stamp.wall_us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
    long pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    stamp.resident_kb = resident * (::sysconf(_SC_PAGESIZE) / 1024);
    return stamp;
}

Report::Report(std::string measurement) { figures_["measurement"] = std::move(measurement); }

void Report::set(std::string_view name, double value) { figures_[name] = value; }

void Report::set(std::string_view name, std::string_view text) { figures_[name] = text; }

void Report::spent(const Stamp& before, std::size_t operations) {
    const auto after = now();
    const auto each = static_cast<double>(operations);
    set("operations", each);
    set("cpu_us", (after.cpu_us - before.cpu_us) / each);
    set("wall_us", (after.wall_us - before.wall_us) / each);
    set("wall_ms", (after.wall_us - before.wall_us) / 1e3);
}

void Report::print() const {
    for (const auto& [name, value] : figures_) {
        const std::string key(name);
        if (value.is_double()) std::fprintf(stderr, "  %-24s %14.3f\n", key.c_str(), value.get_double());
        else std::fprintf(stderr, "  %-24s %14s\n", key.c_str(), value.get_string().c_str());
    }
    std::printf("%s\n", boost::json::serialize(figures_).c_str());
}

} // namespace loom::bench
