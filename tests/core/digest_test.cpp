#include "core/base/digest.hpp"
#include "core/base/stable_hash.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace loom {

TEST_CASE("SHA-256 gives the published digests") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a UUID of version 7 carries its time and orders by it") {
    const auto id = uuid_v7(0x0123456789ab);
    REQUIRE(id.size() == 36);
    CHECK(id.substr(0, 15) == "01234567-89ab-7");
    CHECK(std::string("89ab").find(id[19]) != std::string::npos);
    CHECK(uuid_v7(1'000) < uuid_v7(1'001));
    CHECK(uuid_v7_from(0x0123456789ab) == id.substr(0, 13));
    CHECK(uuid_v7(1'000) < uuid_v7_from(1'001));
    CHECK(uuid_v7_from(1'001) < uuid_v7(1'001));
    std::set<std::string> ids;
    for (int i = 0; i < 100; ++i) ids.insert(uuid_v7(5));
    CHECK(ids.size() == 100);
}

TEST_CASE("UUIDs of one millisecond are ordered by when they were made") {
    std::vector<std::string> ids;
    for (int i = 0; i < 1'000; ++i) ids.push_back(uuid_v7(7));
    CHECK(std::ranges::is_sorted(ids));
    CHECK(std::ranges::adjacent_find(ids) == ids.end());
    CHECK(ids.back().substr(0, 15) == "00000000-0007-7");
}

TEST_CASE("the hash that spreads jobs never changes") {
    CHECK(stable_hash("") == 0xefd01f60ba992926);
    CHECK(stable_hash("web1") != stable_hash("web2"));
    std::set<std::uint64_t> minutes;
    for (int i = 0; i < 1000; ++i) minutes.insert(stable_hash("job" + std::to_string(i)) % 60);
    CHECK(minutes.size() == 60);
}

} // namespace loom
