#pragma once
#include "app/http/table.hpp"

#include <set>

namespace loom {

/// Why this caller may not make a request of this kind, whatever it is about; nothing: it may, as far as the kind goes. Pure.
std::optional<Error> refusal(const Principal& caller, AccessScope needs, Touches touches);

/// What one caller sees: the jobs that its grant covers, and the nodes that its NodeSet means right now.
struct Sight {
    Grant grant;
    std::optional<std::set<std::string, std::less<>>> nodes; ///< nothing: every node

    bool job(std::string_view name) const { return covers_job(grant, name); }
    bool node(std::string_view name) const { return !nodes || nodes->contains(name); }
    bool limited() const { return nodes || !grant.jobs.empty(); }
    /// Those that it sees of a folded set.
    std::vector<std::string> seen_of(const std::string& folded) const;
    bool sees_all_of(const std::vector<std::string>& names) const;
};

// What is left of a reply for somebody who sees only this much. What is left says nothing of what is not: neither names nor
// counts. All pure.

void narrow(JobView& job, const Sight& sight, const std::vector<std::string>& nodes);
void narrow(NodeList& list, const Sight& sight);
void narrow(NodeResultList& list, const Sight& sight);
void narrow(OutputGroupList& list, const Sight& sight);
/// `results`: of all its nodes, read where the sight has nodes. Nothing is left: the run is not for this caller.
std::optional<RunView> narrow(RunView run, const Sight& sight, const NodeResultList& results);
void narrow(CatalogView& catalog, const Sight& sight);
void narrow(WhyView& why, const Sight& sight);
/// An event of a run that the caller sees; false: it sees nothing of this one.
bool narrow(Event& event, const Sight& sight);

/// The runs that a NodeSet asks the ledger for, by `@failed:RUN`. Pure.
std::vector<std::string> runs_in(std::string_view expression);

/// A command that works on the daemon's own host, as its user: files it reads and writes, keys it opens, hosts of no
/// configuration. Only an administrator's. Pure.
bool reaches_the_host(const StartExec& request);

} // namespace loom
