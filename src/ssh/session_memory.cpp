#include "ssh/session_memory.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace loom {
namespace {

constexpr std::size_t chunk_bytes = 128u << 10; ///< a session of libssh2 is 84 KiB before its first byte
constexpr std::size_t smallest = 32;
/// What is larger does not come from a chunk; nothing does where a sanitizer is to see each block's bounds.
#ifdef LOOM_SANITIZED
constexpr std::size_t large_bytes = 0;
#else
constexpr std::size_t large_bytes = 96u << 10;
#endif

/// Stands before each block, as large as malloc's alignment, so that the block keeps it.
struct alignas(std::max_align_t) Head {
    std::size_t size;
    std::size_t size_class; ///< SessionMemory::classes: a block of its own
};

Head* head_of(void* block) { return static_cast<Head*>(block) - 1; }

/// Chunks between two sessions. Any thread.
class SpareChunks {
public:
    ~SpareChunks() {
        for (void* const chunk : chunks_) std::free(chunk);
    }
    void* take() {
        {
            const std::lock_guard lock(mutex_);
            if (!chunks_.empty()) {
                void* const chunk = chunks_.back();
                chunks_.pop_back();
                return chunk;
            }
        }
        return std::malloc(chunk_bytes);
    }
    void give(void* chunk) {
        {
            const std::lock_guard lock(mutex_);
            if (chunks_.size() < limits::spare_session_chunks) return chunks_.push_back(chunk);
        }
        std::free(chunk);
    }

private:
    std::mutex mutex_;
    std::vector<void*> chunks_;
};

SpareChunks& spare_chunks() {
    static SpareChunks spare;
    return spare;
}

} // namespace

/// 32, 40, 48, 56, 64, 80, 96, …: four to each power of two, so that at most a fifth of a block is waste.
std::size_t SessionMemory::class_of(std::size_t size) {
    if (size <= smallest) return 0;
    const auto power = static_cast<std::size_t>(std::bit_width(size - 1)) - 1; // 2^power < size <= 2^(power + 1)
    const auto quarter = (size - 1) >> (power - 2) & 3;
    return (power - 5) * 4 + quarter + 1;
}

std::size_t SessionMemory::size_of(std::size_t size_class) {
    const auto power = size_class / 4 + 5;
    return (std::size_t{1} << power) + (size_class % 4) * (std::size_t{1} << (power - 2));
}

SessionMemory::~SessionMemory() {
    for (void* const chunk : chunks_) spare_chunks().give(chunk);
    for (void* const block : large_) std::free(block);
}

void* SessionMemory::cut(std::size_t size) {
    const auto whole = (sizeof(Head) + size + alignof(Head) - 1) / alignof(Head) * alignof(Head);
    if (whole > left_) {
        void* const chunk = spare_chunks().take();
        if (!chunk) return nullptr;
        chunks_.push_back(chunk);
        next_ = static_cast<char*>(chunk);
        left_ = chunk_bytes;
    }
    auto* const head = reinterpret_cast<Head*>(next_);
    next_ += whole;
    left_ -= whole;
    return head + 1;
}

void* SessionMemory::allocate(std::size_t size) {
    if (size > large_bytes || large_bytes == 0) {
        if (size > SIZE_MAX - sizeof(Head)) return nullptr;
        auto* const head = static_cast<Head*>(std::malloc(sizeof(Head) + size));
        if (!head) return nullptr;
        large_.push_back(head);
        *head = {size, classes};
        return head + 1;
    }
    const auto size_class = class_of(size);
    void* block = free_[size_class];
    if (block) free_[size_class] = free_[size_class]->next;
    else block = cut(size_of(size_class));
    if (block) *head_of(block) = {size, size_class};
    return block;
}

void SessionMemory::hand_back() {
    static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    static const std::vector<char> zeros(page, 0);
    for (void* const chunk : chunks_) {
        const auto begin = reinterpret_cast<std::uintptr_t>(chunk);
        const auto used_until = chunk == chunks_.back() ? reinterpret_cast<std::uintptr_t>(next_) : begin + chunk_bytes;
        const auto end = (begin + chunk_bytes) / page * page;
        const auto spare = [&](std::uintptr_t at) {
            return at >= used_until || std::memcmp(reinterpret_cast<const void*>(at), zeros.data(), page) == 0;
        };
        for (auto at = (begin + page - 1) / page * page; at < end; at += page) {
            const auto first = at;
            while (at < end && spare(at)) at += page;
            if (at > first) ::madvise(reinterpret_cast<void*>(first), at - first, MADV_DONTNEED);
        }
    }
}

void* SessionMemory::reallocate(void* block, std::size_t size) {
    if (!block) return allocate(size);
    auto& head = *head_of(block);
    if (head.size_class < classes && size <= size_of(head.size_class)) {
        head.size = size;
        return block;
    }
    void* const moved = allocate(size);
    if (!moved) return nullptr;
    std::memcpy(moved, block, std::min(head.size, size));
    release(block);
    return moved;
}

void SessionMemory::release(void* block) {
    if (!block) return;
    auto* const head = head_of(block);
    if (head->size_class == classes) {
        const auto at = std::ranges::find(large_, static_cast<void*>(head));
        *at = large_.back();
        large_.pop_back();
        return std::free(head);
    }
    auto* const freed = static_cast<Free*>(block);
    freed->next = free_[head->size_class];
    free_[head->size_class] = freed;
}

} // namespace loom
