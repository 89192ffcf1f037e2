#include "app/files/job_log.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <boost/asio/thread_pool.hpp>
#include <sys/stat.h>

using namespace loom;
using loom::tests::Folder;

namespace {

unsigned mode_of(const std::string& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 0777;
}

} // namespace

TEST_CASE("entries are appended in order, and folders made") {
    Folder folder;
    asio::io_context io;
    const auto old_mask = ::umask(0);
    auto log = create_job_log(io.get_executor());
    for (int i = 0; i < 100; ++i) log->append(folder.path("a/b/x.log"), std::to_string(i) + "\n");
    log->append(folder.path("y.log"), "other\n");
    io.run();
    ::umask(old_mask);
    const auto text = folder.read("a/b/x.log");
    CHECK(text.starts_with("0\n1\n2\n"));
    CHECK(text.ends_with("98\n99\n"));
    CHECK(folder.read("y.log") == "other\n");
    CHECK(mode_of(folder.path("a")) == 0750);
    CHECK(mode_of(folder.path("a/b/x.log")) == 0640);
    io.restart();
    log->append(folder.path("y.log"), "again\n");
    io.run();
    CHECK(folder.read("y.log") == "other\nagain\n");
}

TEST_CASE("many threads may append") {
    Folder folder;
    asio::thread_pool writers(4), blocking(2);
    auto log = create_job_log(blocking.get_executor());
    for (int i = 0; i < 1000; ++i) asio::post(writers, [&] { log->append(folder.path("x.log"), "line\n"); });
    writers.join();
    log.reset(); // what was appended is still written
    blocking.join();
    CHECK(folder.read("x.log").size() == 5000);
}

TEST_CASE("what exceeds the queue is dropped and counted") {
    Folder folder;
    asio::io_context io;
    auto log = create_job_log(io.get_executor());
    const std::string half(limits::job_log_queue_bytes / 2, 'x');
    for (int i = 0; i < 5; ++i) log->append(folder.path("x.log"), half);
    io.run();
    CHECK(folder.read("x.log").size() == limits::job_log_queue_bytes);
    io.restart();
    log->append(folder.path("x.log"), "next\n");
    io.run();
    CHECK(folder.read("x.log").ends_with("x[loom: 3 log entries were dropped here]\nnext\n"));
}

TEST_CASE("a path that leads elsewhere is refused") {
    Folder folder;
    asio::io_context io;
    auto log = create_job_log(io.get_executor());
    folder.write("sub/keep");
    log->append(folder.path("sub/../x.log"), "x");
    log->append("relative.log", "x");
    log->append("", "x");
    log->append(folder.path("sub"), "a folder cannot be written to");
    io.run();
    CHECK(!std::filesystem::exists(folder.path("x.log")));
    CHECK(!std::filesystem::exists("relative.log"));
}
