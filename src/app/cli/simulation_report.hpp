#pragma once
#include "app/cli/context.hpp"
#include "core/schedule/forecast.hpp"

#include <boost/json/object.hpp>

namespace loom {

/// Shows a simulation while it goes on. For people: every row where they are few, else what is out of the ordinary, and
/// what it comes to. As JSON one document, whose items are written as they come.
class SimulationReport final : public SimulationVisitor {
public:
    /// `assumed`: whose lengths have no past, by the job's place. With `summary` no rows.
    SimulationReport(CommandContext& context, const Simulation& simulation, ZonePtr zone, std::vector<bool> assumed, bool summary);

    void decided(const Job& job, const Decision& decision, Instant at) override;
    void began(const Job& job, Instant at) override { forecast_.began(job, at); }
    void ended(const Job& job, Instant at) override { forecast_.ended(job, at); }
    void clocks_changed(const Job& job, const ClockChange& change) override;

    /// Once the simulation has ended.
    void finish();
    const Forecast& forecast() const { return forecast_; }

private:
    struct Row {
        Instant at;
        std::string job, what, about;
    };
    /// The first rows of a kind, and how many there were.
    struct Rows {
        std::vector<Row> first;
        std::uint64_t count = 0;
    };
    void add(Rows& rows, const Row& row) const;
    void put_item(const boost::json::object& item);
    Milliseconds length_of(const Job& job) const { return simulation_.lengths[place_of(job)]; }
    /// A job that only follows others has no clocks of its own.
    const Zone& zone_of(const Job& job) const { return job.schedule ? *job.schedule->zone : *forecast_.zone(); }
    std::size_t place_of(const Job& job) const { return static_cast<std::size_t>(&job - simulation_.catalog->jobs.data()); }

    void print_rows() const;
    void print_jobs() const;
    void print_load() const;
    void say_what_counted() const;
    boost::json::object summary() const;

    CommandContext& context_;
    const Simulation& simulation_;
    Forecast forecast_;
    std::vector<bool> assumed_, paused_; ///< by the job's place
    bool summary_only_;
    Rows all_, odd_; ///< `odd_`: what did not just run
};

} // namespace loom
