#include "fuzz/app_targets.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    loom::fuzz::worker_frames({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
