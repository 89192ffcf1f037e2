#include "ssh/session_memory.hpp"

#include <cstdint>
#include <cstdlib>

namespace loom {

SessionMemory::SessionMemory() : ring_{&ring_, &ring_} {}

SessionMemory::~SessionMemory() {
    while (ring_.after != &ring_) {
        auto* const link = ring_.after;
        take_out(link);
        std::free(link);
    }
}

void SessionMemory::put_in(Link* link) {
    link->before = &ring_;
    link->after = ring_.after;
    link->after->before = link;
    ring_.after = link;
}

void SessionMemory::take_out(Link* link) {
    link->before->after = link->after;
    link->after->before = link->before;
}

void* SessionMemory::allocate(std::size_t size) {
    if (size > SIZE_MAX - sizeof(Link)) return nullptr;
    auto* const link = static_cast<Link*>(std::malloc(sizeof(Link) + size));
    if (!link) return nullptr;
    put_in(link);
    return link + 1;
}

void* SessionMemory::reallocate(void* block, std::size_t size) {
    if (!block) return allocate(size);
    if (size > SIZE_MAX - sizeof(Link)) return nullptr;
    auto* const old = link_of(block);
    take_out(old); // it may move
    auto* const moved = static_cast<Link*>(std::realloc(old, sizeof(Link) + size));
    put_in(moved ? moved : old);
    return moved ? moved + 1 : nullptr;
}

void SessionMemory::release(void* block) {
    if (!block) return;
    auto* const link = link_of(block);
    take_out(link);
    std::free(link);
}

} // namespace loom
