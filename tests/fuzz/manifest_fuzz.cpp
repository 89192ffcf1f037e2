#include "fuzz/manifest_target.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    fuzz_manifest(std::string_view(reinterpret_cast<const char*>(bytes), size));
    return 0;
}
