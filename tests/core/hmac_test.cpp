#include "core/base/hmac.hpp"

#include "core/base/digest.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

std::string mac(const std::string& key, const std::string& bytes) {
    const auto code = hmac_sha256(key, bytes);
    return hex({reinterpret_cast<const unsigned char*>(code.data()), code.size()});
}

} // namespace

TEST_CASE("HMAC-SHA-256 gives the codes of RFC 4231") {
    CHECK(mac(std::string(20, '\x0b'), "Hi There") == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(mac("Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(mac(std::string(20, '\xaa'), std::string(50, '\xdd')) == "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    CHECK(mac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("texts are equal byte for byte") {
    CHECK(equal_in_constant_time("", ""));
    CHECK(equal_in_constant_time("abc", "abc"));
    CHECK_FALSE(equal_in_constant_time("abc", "abd"));
    CHECK_FALSE(equal_in_constant_time("abc", "abcd"));
    CHECK_FALSE(equal_in_constant_time("abc", ""));
}
