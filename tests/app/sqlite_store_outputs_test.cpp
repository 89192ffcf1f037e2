#include "app/store/sqlite_store.hpp"

#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/store_records.hpp"

// The text of outputs, which lies outside the database.

using namespace loom;
using namespace loom::records;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<RunStore> open(const tests::Folder& folder, StoreMode mode = StoreMode::read_write) {
    return open_sqlite_store(folder.path("state"), mode).value();
}

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void spill(const std::string& path, const std::string& text, std::ios::openmode mode = std::ios::trunc) {
    std::ofstream(path, std::ios::binary | mode) << text;
}

std::string segment(const tests::Folder& folder, int number) {
    return folder.path("state") + "/outputs/segment-00000" + std::to_string(number);
}

} // namespace

TEST_CASE("equal output is stored once", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    auto both = finished("018c-aaaa", 2, "same\n");
    both.result.outcome.err.text = "same\n";
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "same\n"), finished("018c-aaaa", 1, "other\n"), both});
    put(*store, {created("018c-bbbb"), finished("018c-bbbb", 0, "same\n"), finished("018c-bbbb", 1, "")});
    CHECK(slurp(segment(folder, 1)) == "same\nother\n");
    CHECK(output(*store, "018c-aaaa", "web3") == "same\n");
    CHECK(store->result("018c-aaaa", "web3").value().outcome.err.text == "same\n");
    CHECK(output(*store, "018c-bbbb", "web1") == "same\n");
    CHECK(output(*store, "018c-bbbb", "web2").empty());
}

TEST_CASE("a large output has a file of its own", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    const std::string small(limits::output_inline_bytes, 's'), large(limits::output_inline_bytes + 1, 'l');
    auto record = finished("018c-aaaa", 1, large);
    record.result.outcome.out.dropped_bytes = 12;
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, small), record});
    CHECK(fs::file_size(segment(folder, 1)) == small.size());
    const auto hash = sha256_hex(large);
    CHECK(slurp(folder.path("state") + "/outputs/" + hash.substr(0, 2) + "/" + hash) == large);
    CHECK(store->result("018c-aaaa", "web2").value().outcome.out == Output{large, 12});
    CHECK(output(*store, "018c-aaaa", "web1") == small);
}

TEST_CASE("the torn tail of a segment is written behind", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "one")});
    spill(segment(folder, 1), "torn", std::ios::app);
    SECTION("by the same process") {}
    SECTION("by the next one") { store = open(folder); }
    put(*store, {created("018c-bbbb"), finished("018c-bbbb", 0, "two")});
    CHECK(output(*store, "018c-aaaa", "web1") == "one");
    CHECK(output(*store, "018c-bbbb", "web1") == "two");
}

TEST_CASE("output that was cut short is an error that names its file", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "one"), finished("018c-aaaa", 1, "two")});
    fs::resize_file(segment(folder, 1), 4);
    CHECK(output(*store, "018c-aaaa", "web1") == "one");
    const auto cut = store->result("018c-aaaa", "web2");
    REQUIRE(cut.has_error());
    CHECK(cut.error().code == Errc::unavailable);
    CHECK(cut.error().message.find(segment(folder, 1)) == 0);
    CHECK(store->gathered("018c-aaaa").has_error());
    CHECK(store->results("018c-aaaa").has_value());
}

TEST_CASE("a full segment is followed by a new one", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "one")});
    fs::resize_file(segment(folder, 1), (64u << 20) - 1);
    put(*store, {finished("018c-aaaa", 1, "two"), finished("018c-aaaa", 2, "three")}); // the first still fits
    CHECK(fs::file_size(segment(folder, 1)) == (64u << 20) + 2);
    CHECK(slurp(segment(folder, 2)) == "three");
    CHECK(output(*store, "018c-aaaa", "web2") == "two");
    CHECK(output(*store, "018c-aaaa", "web3") == "three");
    store = open(folder);
    put(*store, {created("018c-bbbb"), finished("018c-bbbb", 0, "four")});
    CHECK(slurp(segment(folder, 2)) == "threefour");
}

TEST_CASE("output that cannot be written fails its batch and not the next", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, created("018c-aaaa"));
    fs::create_directory(segment(folder, 1));
    const std::vector<Record> batch{finished("018c-aaaa", 0, "one")};
    const auto failed = store->commit(batch);
    REQUIRE(failed.has_error());
    CHECK(failed.error().message.find(segment(folder, 1)) == 0);
    CHECK(store->results("018c-aaaa").value()[0].outcome.state == NodeState::queued);
    fs::remove(segment(folder, 1));
    put(*store, batch);
    CHECK(output(*store, "018c-aaaa", "web1") == "one");
}

TEST_CASE("what is gathered has a bound, and each node's own output has none", "[store]") {
    const tests::Folder folder;
    auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    const std::size_t large = limits::gathered_bytes * 2 / 3;
    put(*store, created("018c-aaaa"));
    put(*store, {finished("018c-aaaa", 0, std::string(large, 'a')), finished("018c-aaaa", 1, std::string(large, 'b')),
                 finished("018c-aaaa", 2, std::string("short"))});
    const auto groups = store->gathered("018c-aaaa").value();
    REQUIRE(groups.size() == 3);
    CHECK(groups[0].outcome.out.text.size() == large);
    CHECK(groups[1].outcome.out.text.empty());
    CHECK(groups[1].outcome.out.dropped_bytes == large);
    CHECK(groups[2].outcome.out.text == "short");
    CHECK(output(*store, "018c-aaaa", "web2").size() == large);
}
