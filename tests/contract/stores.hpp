#pragma once
#include "app/store/sqlite_store.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/memory_store.hpp"
#include "support/store_records.hpp"

/// The stores that the contract is held against: the real one and the one that tests use.
namespace loom::contract {

struct Sqlite {
    tests::Folder folder;
    std::unique_ptr<RunStore> store = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
};

struct Memory {
    std::unique_ptr<RunStore> store = std::make_unique<MemoryStore>();
};

inline std::uint32_t count(const Run& run, NodeState state) { return run.counts[static_cast<std::size_t>(state)]; }

template <class T>
Errc code(const Result<T>& result) {
    REQUIRE(result.has_error());
    CHECK_FALSE(result.error().message.empty());
    return result.error().code;
}

} // namespace loom::contract

#define STORE_TEST(title)                                                                                              \
    TEMPLATE_TEST_CASE("a run store: " title, "[store]", loom::contract::Sqlite, loom::contract::Memory)
