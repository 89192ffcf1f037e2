#include "fuzz/app_targets.hpp"
#include "support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace loom {

TEST_CASE("every input that a fuzzer found for the terminal, for HTTP and for completion keeps the promises") {
    for (const auto& target : fuzz::app_targets) {
        const auto folder = std::filesystem::path(LOOM_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
        std::size_t files = 0;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            CAPTURE(entry.path().string());
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(file), {}};
            CHECK_NOTHROW(target.run(bytes));
            ++files;
        }
        CAPTURE(folder.string());
        CHECK(files > 0);
    }
}

} // namespace loom
