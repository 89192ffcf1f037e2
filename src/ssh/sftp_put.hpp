#pragma once
#include "ssh/transfer.hpp"

namespace loom {

/// Brings files to a node, as Remote::put promises.
awaitable<Outcome> put_files(TransferPlace place, PutRequest request, StopToken stop);

} // namespace loom
