// Settings of the address sanitizer for this program; unused in other builds (sanitizer/asan_interface.h).

/// libcrypto keeps no frame pointers: without this the stacks below would end inside it and match nothing.
extern "C" const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }

/// libssh2 forgets the server's key when a connection dies between the key exchange and its confirmation: session_free
/// calls the key's `dtor` only once LIBSSH2_STATE_NEWKEYS is set.
extern "C" const char* __lsan_default_suppressions() {
    return "leak:_libssh2_ed25519_new_public\nleak:_libssh2_ecdsa_curve_name_with_octal_new\nleak:_libssh2_rsa_new\n";
}
