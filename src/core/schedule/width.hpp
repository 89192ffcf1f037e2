#pragma once
#include "core/base/duration.hpp"

#include <cstddef>

namespace loom {

/// What `parallel: auto` saw during one window.
struct WidthFeedback {
    bool wanted = false;      ///< a node waited for a place
    std::size_t arrived = 0;  ///< connections that came to be
    std::size_t strained = 0; ///< of them those that needed more than one try, and those dropped in the handshake
    Milliseconds lag{0};      ///< by how much the io pool was late for a timer: this process, or its machine, is full
};

/// How long one window is.
inline constexpr Milliseconds width_window{500};

/// How many nodes may work at once from now on: a half when every tenth connection is strained, three quarters when the
/// io pool lags, a quarter more when places were wanted and nothing spoke against it; between 8 and `most`. A node that
/// is simply dead says nothing about the width, so it is not counted. Pure.
std::size_t next_width(std::size_t width, const WidthFeedback& seen, std::size_t most);

} // namespace loom
