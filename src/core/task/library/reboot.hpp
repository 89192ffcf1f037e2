#pragma once
#include "core/task/library/library.hpp"

namespace loom {

/// loom.system.reboot: has the node boot, and waits until it answers with another boot id.
LibraryTask reboot_task();

} // namespace loom
