#include "core/base/bytes.hpp"
#include "support/catch.hpp"

using namespace loom;

TEST_CASE("sizes are read with their units") {
    const std::pair<const char*, std::uint64_t> rows[] = {
        {"0", 0},           {"1024", 1024},       {"10GiB", 10ull << 30}, {"10 GiB", 10ull << 30}, {"64k", 64 << 10},
        {"1KB", 1000},      {"2MB", 2'000'000},   {"3mib", 3 << 20},      {"7b", 7},               {"1TiB", 1ull << 40},
    };
    for (const auto& [text, bytes] : rows) {
        CAPTURE(text);
        CHECK(parse_bytes(text).value() == bytes);
    }
    for (const auto* text : {"", "GiB", "1.5GiB", "-1", "1 PiB", "10GiBs", "99999999999TiB", "1  k"}) {
        CAPTURE(text);
        CHECK(parse_bytes(text).has_error());
    }
}
