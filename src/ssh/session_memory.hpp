#pragma once
#include <cstddef>

namespace loom {

/// The memory that libssh2 takes for one session, given back as a whole when the session goes. libssh2 1.11.1 forgets
/// blocks of its own: under AES-GCM both MAC keys of every connection (mac.c, `mac_method_hmac_aesgcm` has the common
/// `init`, which keeps the key, and a `dtor` that does nothing), and the host key at every new key exchange. A
/// scheduler makes millions of connections. Lives on the session's strand.
class SessionMemory {
public:
    SessionMemory();
    SessionMemory(const SessionMemory&) = delete;
    SessionMemory& operator=(const SessionMemory&) = delete;
    /// After libssh2_session_free.
    ~SessionMemory();

    void* allocate(std::size_t size);
    void* reallocate(void* block, std::size_t size);
    void release(void* block);

private:
    /// Stands before each block; as large as malloc's alignment, so that the block keeps it.
    struct alignas(std::max_align_t) Link {
        Link* before;
        Link* after;
    };
    static Link* link_of(void* block) { return static_cast<Link*>(block) - 1; }
    void put_in(Link* link);
    static void take_out(Link* link);

    Link ring_; ///< the blocks in use, in a circle
};

} // namespace loom
