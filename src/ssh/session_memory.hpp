#pragma once
#include <array>
#include <cstddef>
#include <vector>

namespace loom {

/// The memory that libssh2 takes for one session, given back as a whole when the session goes. libssh2 1.11.1 forgets
/// blocks of its own: under AES-GCM both MAC keys of every connection (mac.c, `mac_method_hmac_aesgcm` has the common
/// `init`, which keeps the key, and a `dtor` that does nothing), and the host key at every new key exchange. A
/// scheduler makes millions of connections. Lives on the session's strand.
///
/// Blocks are cut from chunks; a chunk goes to the next session without a detour through the C library and the kernel.
class SessionMemory {
public:
    SessionMemory() = default;
    SessionMemory(const SessionMemory&) = delete;
    SessionMemory& operator=(const SessionMemory&) = delete;
    /// After libssh2_session_free.
    ~SessionMemory();

    void* allocate(std::size_t size);
    void* reallocate(void* block, std::size_t size);
    void release(void* block);

    /// Gives the kernel every page that holds nothing but zeros, or nothing that is in use: for a session that rests. What is
    /// read there later is zero again, and what is written costs a page fault. libssh2 clears 84 KiB for a session at its
    /// start and uses little of it.
    void hand_back();

private:
    static constexpr std::size_t classes = 48; ///< four sizes from one power of two to the next
    struct Free {
        Free* next;
    };
    static std::size_t class_of(std::size_t size);
    static std::size_t size_of(std::size_t size_class);
    void* cut(std::size_t size);

    std::array<Free*, classes> free_{};
    std::vector<void*> chunks_; ///< the last one is being cut
    std::vector<void*> large_;  ///< blocks of their own
    char* next_ = nullptr;
    std::size_t left_ = 0;
};

} // namespace loom
