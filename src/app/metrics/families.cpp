#include "app/metrics/families.hpp"

#include "ssh/library.hpp"

#include <limits>
#include <openssl/crypto.h>

namespace loom {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double seconds(Milliseconds time) { return static_cast<double>(time.count()) / 1000; }
double seconds(Instant time) { return seconds(time.time_since_epoch()); }

/// One metric while it is put together; it goes into the list as it ends.
class Family {
public:
    Family(std::vector<MetricFamily>& all, MetricType type, std::string name, std::string help) : all_(all) {
        family_.type = type;
        family_.name = std::move(name);
        family_.help = std::move(help);
    }
    ~Family() {
        if (!family_.metric.empty()) all_.push_back(std::move(family_));
    }
    Family(const Family&) = delete;
    Family& operator=(const Family&) = delete;

    Family& add(double value, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        if (family_.type == MetricType::Counter) metric.counter.value = value;
        else metric.gauge.value = value;
        family_.metric.push_back(std::move(metric));
        return *this;
    }
    void add(const Histogram& histogram) {
        const auto seen = histogram.view();
        ClientMetric metric;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < seen.counts.size(); ++i) {
            below += seen.counts[i];
            const auto bound = i < seen.bounds.size() ? seen.bounds[i] : std::numeric_limits<double>::infinity();
            ClientMetric::Bucket bucket;
            bucket.cumulative_count = below;
            bucket.upper_bound = bound;
            metric.histogram.bucket.push_back(bucket);
        }
        metric.histogram.sample_count = below;
        metric.histogram.sample_sum = seen.sum;
        family_.metric.push_back(std::move(metric));
    }

private:
    std::vector<MetricFamily>& all_;
    MetricFamily family_;
};

ClientMetric::Label label(std::string name, std::string_view value) {
    ClientMetric::Label made;
    made.name = std::move(name);
    made.value = std::string(value);
    return made;
}

std::string_view result_word(std::size_t cause) { return cause == 0 ? "ok" : to_string(static_cast<Cause>(cause)); }

class Page {
public:
    Page(const Catalog& catalog, const Measured& measured) : catalog_(catalog), measured_(measured), engine_(measured.engine) {}

    std::vector<MetricFamily> make() {
        gauge("loom_build_info", "The program and its libraries; always 1.")
            .add(1, {label("version", LOOM_VERSION), label("libssh2", ssh_library_version()), label("openssl", OpenSSL_version(OPENSSL_VERSION_STRING))});
        if (engine_.runs) runs(*engine_.runs);
        if (engine_.journal) store(*engine_.journal);
        standing();
        config();
        if (engine_.runs) jobs(*engine_.runs);
        outside();
        process();
        return std::move(all_);
    }

private:
    Family counter(std::string name, std::string help) { return {all_, MetricType::Counter, std::move(name), std::move(help)}; }
    Family gauge(std::string name, std::string help) { return {all_, MetricType::Gauge, std::move(name), std::move(help)}; }
    Family histogram(std::string name, std::string help) { return {all_, MetricType::Histogram, std::move(name), std::move(help)}; }

    void runs(const RunMeasures& seen) {
        {
            auto family = counter("loom_runs_total", "Runs that ended, by their state; skipped and missed ones too.");
            for (std::size_t i = 0; i < run_states; ++i)
                if (terminal(static_cast<RunState>(i)))
                    family.add(static_cast<double>(seen.ended[i]), {label("state", to_string(static_cast<RunState>(i)))});
        }
        histogram("loom_run_duration_seconds", "How long runs took, from their first node to the last.").add(seen.run_took);
        {
            auto family = counter("loom_targets_total", "Nodes of runs that ended, by their state and why they were not reached.");
            for (std::size_t state = 0; state < node_states; ++state) {
                if (!terminal(static_cast<NodeState>(state))) continue;
                for (std::size_t cause = 0; cause < RunMeasures::causes; ++cause)
                    if (cause == 0 || seen.targets[state][cause] > 0)
                        family.add(static_cast<double>(seen.targets[state][cause]),
                                   {label("state", to_string(static_cast<NodeState>(state))),
                                    label("cause", cause == 0 ? "" : to_string(static_cast<Cause>(cause)))});
            }
        }
        {
            auto family = counter("loom_connects_total", "Tries to reach a node, by what they came to; ok counts kept sessions too.");
            for (std::size_t cause = 0; cause < RunMeasures::causes; ++cause)
                family.add(static_cast<double>(seen.connects[cause]), {label("result", result_word(cause))});
        }
        histogram("loom_schedule_lag_seconds", "From a job's instant, its splay included, to its run's row.").add(seen.schedule_lag);
    }

    void store(const JournalMeasures& seen) {
        counter("loom_store_commits_total", "Transactions of the ledger.").add(static_cast<double>(seen.commits));
        counter("loom_store_records_total", "Records in those.").add(static_cast<double>(seen.records));
        counter("loom_store_commit_failures_total", "Transactions that the ledger did not take.").add(static_cast<double>(seen.failures));
        histogram("loom_store_commit_duration_seconds", "How long a transaction took, its sync to disk included.").add(seen.commit_took);
        gauge("loom_store_records_waiting", "Records that wait for a transaction.").add(static_cast<double>(engine_.records_waiting));
    }

    void standing() {
        gauge("loom_runs_in_flight", "Runs that go on, or wait for their turn.")
            .add(static_cast<double>(engine_.running), {label("state", "running")})
            .add(static_cast<double>(engine_.waiting), {label("state", "waiting")});
        gauge("loom_sessions_kept", "SSH sessions that are kept for the next task on their node.").add(static_cast<double>(engine_.sessions_kept));
        gauge("loom_sockets_held", "Sockets that runs hold.").add(static_cast<double>(engine_.sockets_held));
        gauge("loom_sockets_limit", "Sockets that runs may hold at once.").add(static_cast<double>(engine_.sockets));
        gauge("loom_draining", "Whether nothing new begins, because somebody said so.").add(engine_.draining ? 1 : 0);
    }

    void config() {
        gauge("loom_config_last_reload_successful", "Whether the newest text of the configuration is in use.").add(engine_.reloaded ? 1 : 0);
        gauge("loom_config_taken_timestamp_seconds", "When the configuration in use was taken.").add(seconds(engine_.taken));
        gauge("loom_config_jobs", "Jobs that can run.").add(static_cast<double>(catalog_.jobs.size()));
        gauge("loom_config_nodes", "Nodes.").add(static_cast<double>(catalog_.nodes.size()));
        std::map<std::string_view, double> problems{{"warning", 0}, {"quarantined", 0}, {"unavailable", 0}};
        for (const auto& problem : catalog_.problems)
            ++problems[problem.kind == Problem::Kind::warning       ? "warning"
                       : problem.kind == Problem::Kind::quarantined ? "quarantined"
                                                                    : "unavailable"];
        auto family = gauge("loom_config_problems", "What `loom check` reports.");
        for (const auto& [kind, count] : problems) family.add(count, {label("kind", kind)});
    }

    /// Jobs that are no longer configured have no series any more.
    void jobs(const RunMeasures& seen) {
        const auto known = seen.jobs();
        auto end = gauge("loom_job_last_end_timestamp_seconds", "When a run of the job ended last.");
        auto ok = gauge("loom_job_last_success_timestamp_seconds", "When a run of the job ended ok last.");
        auto took = gauge("loom_job_last_duration_seconds", "How long the job's last run took.");
        auto failures = gauge("loom_job_failures_in_a_row", "Runs of the job that were not ok since the last one that was.");
        for (const auto& [name, job] : known) {
            if (!catalog_.find_job(name)) continue;
            const Labels labels{label("job", name)};
            if (job.last_end != Instant{}) end.add(seconds(job.last_end), labels);
            if (job.last_ok) ok.add(seconds(*job.last_ok), labels);
            if (job.last_end != Instant{}) took.add(seconds(job.last_took), labels);
            failures.add(static_cast<double>(job.failures), labels);
        }
        counter("loom_job_ends_without_series_total", "Ends of runs whose job is beyond the number that have series of their own.")
            .add(static_cast<double>(seen.jobs_left_out()));
    }

    void outside() {
        {
            auto family = counter("loom_hook_deliveries_total", "Deliveries to webhooks, by what came of them.");
            for (const auto& [key, count] : measured_.hooks)
                family.add(static_cast<double>(count), {label("hook", key.first), label("outcome", key.second)});
        }
        {
            auto family = counter("loom_notifications_total", "Tries to tell somebody, by what came of them.");
            for (const auto& [key, count] : measured_.notifications)
                family.add(static_cast<double>(count), {label("rule", key.first), label("outcome", key.second)});
        }
        gauge("loom_notifications_waiting", "Notifications that wait to be told.").add(static_cast<double>(measured_.outbox.waiting));
        gauge("loom_notifications_dead", "Notifications that were given up and are kept to be looked at.").add(static_cast<double>(measured_.outbox.dead));
    }

    void process() {
        const auto& seen = measured_.process;
        counter("process_cpu_seconds_total", "CPU time of the daemon.").add(seen.cpu_seconds);
        gauge("process_resident_memory_bytes", "Memory of the daemon.").add(seen.resident_bytes);
        gauge("process_open_fds", "Descriptors that the daemon has open.").add(seen.open_fds);
        gauge("process_max_fds", "Descriptors that it may have open.").add(seen.max_fds);
        gauge("process_start_time_seconds", "When the daemon began.").add(seen.start_seconds);
    }

    const Catalog& catalog_;
    const Measured& measured_;
    const EngineMeasures& engine_;
    std::vector<MetricFamily> all_;
};

} // namespace

std::vector<MetricFamily> metric_families(const Catalog& catalog, const Measured& measured) { return Page(catalog, measured).make(); }

} // namespace loom
