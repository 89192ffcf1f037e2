#pragma once
#include "core/model/run.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace loom {

/// Where the text of an output lies.
struct StoredText {
    std::string file;        ///< the digest that names its file; empty: among the texts of its row
    std::int64_t row = 0;    ///< of `progress`: its number in the run
    std::uint64_t start = 0; ///< in the row's texts
    std::size_t bytes = 0;
};

/// A node's terminal result as it is stored; its outputs have their dropped bytes, their text lies elsewhere.
struct StoredResult {
    NodeResult result;
    std::optional<StoredText> out, err;
};

/// What one commit has recorded of a run's nodes: a row of `progress`.
struct Progress {
    struct Start {
        Instant at{};
        std::vector<std::uint32_t> places; ///< in the targets
    };
    std::vector<Start> starts;
    std::vector<StoredResult> results;
};

/// Of the JSON in a row; nothing where nobody can have written it. `row` is its number. Pure.
std::optional<Progress> parse_progress(std::string_view body, std::int64_t row);
/// What stands in the body of that row which has this node's result, and may stand in others.
std::string result_mark(std::uint32_t place);

/// Writes one row. What it says is JSON, so that people can ask for it in SQL:
///
///     {"at_ms": 1764434306123,
///      "starts": [{"after_ms": 0, "places": [0, 1, 2]}],
///      "results": [{"state": "ok", "phase": "command", "exit": 0, "attempts": 1, "nodes": [[0, 3, 64, 0, 6], [1, 3, 71, 0, 6]]}]}
///
/// What nodes have in common is said once; each adds its place, when it was started and when it ended (milliseconds after
/// `at_ms`; null: never), and where the texts of stdout and stderr begin in the row's and how long they are, where there are any.
class ProgressText {
public:
    void add(Instant at, const std::vector<std::uint32_t>& places);
    /// The texts of a node's outputs, where they are not empty: `keep`'s, or a file's.
    void add(const NodeResult& result, const std::optional<StoredText>& out, const std::optional<StoredText>& err);
    /// Puts the text among those of this row; equal text once.
    StoredText keep(std::string_view text);

    bool empty() const { return starts_.empty() && results_.empty(); }
    /// Of both parts, about.
    std::size_t bytes() const { return nodes_ * 32 + common_bytes_ + texts_.size(); }
    std::string body() const;
    const std::string& texts() const { return texts_; }

private:
    void append_after(std::string& text, const std::optional<Instant>& at);

    std::optional<Instant> at_; ///< the first that was said
    std::string starts_, texts_;
    std::unordered_map<std::string, std::string> results_; ///< what is common → the nodes
    std::string common_; ///< of the newest; here to keep its room
    std::size_t nodes_ = 0, common_bytes_ = 0;
    std::unordered_multimap<std::size_t, StoredText> kept_; ///< by the hash of the text
};

} // namespace loom
