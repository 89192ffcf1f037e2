#pragma once
#include "core/run/why.hpp"

namespace loom {

// Parts of what `why` says that stand on their own. Pure.

/// `2026-11-28 02:00:05`, on clocks in the zone; without seconds where there are none.
std::string clock_text(Instant at, const Zone& zone);

/// `every job is paused from 2026-11-28 08:00 on by user:anna: the disk is full`, or `was` paused.
std::string pause_words(const Pause& pause, const WhyFacts& facts, std::string_view verb = "is");

/// The pauses in force: a sentence each.
std::vector<std::string> told_pauses(const WhyFacts& facts);

/// That the minute which was asked for holds several instants, what became of each, and how to ask for one; else nothing.
std::optional<std::string> told_instants(const WhyFacts& facts, const Facts& known);

/// What is owed to nodes that a run did not reach, or why nothing is: a sentence each.
std::vector<std::string> told_debts(const WhyFacts& facts, const Facts& known);

} // namespace loom
