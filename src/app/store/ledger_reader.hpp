#pragma once
#include "app/store/ledger_rows.hpp"
#include "app/store/ledger_writer.hpp"
#include "app/store/progress_rows.hpp"

#include <set>

namespace loom {

/// The reading half of the ledger; each call sees one state of the database. Database and outputs outlive it.
class LedgerReader {
public:
    LedgerReader(StorePaths paths, Database& database, const OutputFiles& outputs)
        : paths_(std::move(paths)), database_(database), outputs_(outputs) {}

    Result<Run> run(const std::string& id);
    Result<std::string> spec(const std::string& id);
    Result<std::vector<Run>> runs(const RunFilter& filter);
    Result<std::vector<NodeResult>> results(const std::string& id);
    Result<NodeResult> result(const std::string& id, const std::string& node);
    Result<std::vector<OutputGroup>> gathered(const std::string& id);
    Result<std::map<std::string, JobFacts>> facts();
    Result<std::vector<InFlight>> in_flight(const std::string& job);
    Result<std::vector<Upstream>> upstreams();
    Result<std::vector<DueRun>> due_runs(const std::string& job, Instant from, Instant to);
    Result<LeftOut> left_out(const std::string& job, Instant since);
    Result<std::vector<Milliseconds>> durations(const std::string& job, std::size_t most);
    Result<std::vector<Pause>> pauses();
    Result<std::optional<KnownRequest>> requested(const std::string& key);
    Result<std::optional<std::string>> delivered(const Delivery& delivery, Instant now);
    Result<std::vector<std::string>> orphans();

private:
    template <class Look>
    auto twice(Look look) -> decltype(look());
    Result<NodeResult> read_result(const std::string& id, const std::string& node);
    Result<std::vector<OutputGroup>> read_gathered(const std::string& id);
    Run counted(RunRow row);
    static StoredResult open_node(const RunRow& run, std::uint32_t index, std::string name);
    std::vector<StoredResult> nodes(const RunRow& run);
    StoredResult node(const RunRow& run, std::uint32_t index, std::string name);
    static void close(StoredResult& node, StoredResult result);
    void fill(std::int64_t run, Output& output, const std::optional<StoredText>& stored, std::size_t& room);
    std::map<std::pair<std::int64_t, std::uint64_t>, std::string> text_digests(std::int64_t run, const std::vector<StoredResult>& nodes);
    void last_run(const std::string& job, JobFacts& facts);
    std::set<std::string> left_out_since(const std::string& job, const LeftOut& newest);

    StorePaths paths_;
    Database& database_;
    const OutputFiles& outputs_;
};

} // namespace loom
