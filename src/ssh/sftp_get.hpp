#pragma once
#include "ssh/transfer.hpp"

namespace loom {

/// Fetches files from a node, as Remote::get promises.
awaitable<Outcome> get_files(TransferPlace place, GetRequest request, StopToken stop);

} // namespace loom
