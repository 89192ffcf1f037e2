#include "app/worker/spool.hpp"

#include "support/catch.hpp"
#include "support/folder.hpp"

#include <fcntl.h>
#include <unistd.h>

using namespace loom;
using loom::tests::Folder;

namespace {

Descriptor opened(const std::string& path, int flags) { return Descriptor(::open(path.c_str(), flags | O_CLOEXEC)); }

} // namespace

TEST_CASE("what a worker sends is copied from ordinary files alone") {
    Folder folder;
    folder.write("from", "words\n");
    CHECK(spool_file(folder.path("copy"), opened(folder.path("from"), O_RDONLY), 100).has_value());
    CHECK(folder.read("copy") == "words\n");
    for (const auto& [path, flags, message] : std::vector<std::tuple<std::string, int, std::string>>{
             {"/proc/self/status", O_RDONLY, "the descriptor is one of the kernel's own files; copy it first"},
             {"/sys/kernel/uevent_seqnum", O_RDONLY, "the descriptor is one of the kernel's own files; copy it first"},
             {folder.path("from"), O_PATH, "the descriptor is not one of an open regular file"},
             {folder.path("from"), O_WRONLY, "the descriptor is not open for reading"},
             {"/dev/null", O_RDONLY, "the descriptor is not one of an open regular file"},
         })
        CHECK(spool_file(folder.path("refused"), opened(path, flags), 100).error().message == message);
    CHECK(spool_file(folder.path("long"), opened(folder.path("from"), O_RDONLY), 3).error().message == "more than 3 B");
}

TEST_CASE("a file with holes does not fill the disk") {
    Folder folder;
    folder.write("holes");
    constexpr off_t more_than_any_disk_has_free = off_t(15) << 40;
    REQUIRE(::truncate(folder.path("holes").c_str(), more_than_any_disk_has_free) == 0);
    const auto from = opened(folder.path("holes"), O_RDONLY);
    CHECK(spool_file(folder.path("copy"), from, more_than_any_disk_has_free).error().message == "the spool: No space left on device");
}
