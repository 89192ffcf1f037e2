#include "ssh/library.hpp"

#include "support/catch.hpp"

using namespace loom;

TEST_CASE("the library says which version it is") {
    CHECK(ssh_library_version().starts_with("1."));
    CHECK(ssh_library_is_current() == (ssh_library_version() >= "1.11"));
}
