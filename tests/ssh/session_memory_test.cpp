#include "ssh/session_memory.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>
#include <vector>

using loom::SessionMemory;

TEST_CASE("a session's blocks keep their bytes, whatever happens to their neighbours") {
    SessionMemory memory;
    std::vector<char*> blocks;
    for (int i = 0; i < 50; ++i) {
        blocks.push_back(static_cast<char*>(memory.allocate(100)));
        REQUIRE(blocks.back());
        CHECK(reinterpret_cast<std::uintptr_t>(blocks.back()) % alignof(std::max_align_t) == 0);
        std::memset(blocks.back(), i, 100);
    }
    for (std::size_t i = 0; i < blocks.size(); i += 3) {
        memory.release(blocks[i]);
        blocks[i] = nullptr;
    }
    for (std::size_t i = 1; i < blocks.size(); i += 3) blocks[i] = static_cast<char*>(memory.reallocate(blocks[i], 100'000));
    for (std::size_t i = 0; i < blocks.size(); ++i)
        if (blocks[i]) CHECK(std::vector<char>(blocks[i], blocks[i] + 100) == std::vector<char>(100, static_cast<char>(i)));
    // What is left is given back with the memory: the leak checker of a sanitizer build sees to that.
}

TEST_CASE("a session's memory takes what malloc takes") {
    SessionMemory memory;
    memory.release(nullptr);
    CHECK(memory.reallocate(nullptr, 10));
    CHECK(memory.allocate(0));
    CHECK(!memory.allocate(SIZE_MAX));
    void* block = memory.allocate(10);
    CHECK(!memory.reallocate(block, SIZE_MAX - 4));
    memory.release(block);
}

#ifndef LOOM_SANITIZED // there each block is malloc's own
TEST_CASE("a session at rest gives back the pages that hold nothing, and loses no byte") {
    constexpr std::size_t size = 80'000, page = 4096;
    SessionMemory memory;
    auto* const block = static_cast<char*>(memory.allocate(size));
    REQUIRE(block);
    std::memset(block, 0, size);
    for (std::size_t at = 0; at < size; at += 10 * page) block[at] = 'x';
    const auto before = std::vector<char>(block, block + size);
    const auto resident = [&] {
        const auto begin = reinterpret_cast<std::uintptr_t>(block) / page * page;
        std::vector<unsigned char> pages(size / page);
        REQUIRE(::mincore(reinterpret_cast<void*>(begin), pages.size() * page, pages.data()) == 0);
        return std::ranges::count_if(pages, [](unsigned char each) { return (each & 1) != 0; });
    };
    CHECK(resident() == size / page);
    memory.hand_back();
    CHECK(resident() <= 4);
    CHECK(std::vector<char>(block, block + size) == before);
    CHECK(memory.allocate(1000));
}
#endif
