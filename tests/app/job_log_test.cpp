#include "app/files/job_log.hpp"
#include "app/files/log_siblings.hpp"
#include "core/base/log.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <boost/asio/thread_pool.hpp>
#include <set>
#include <sys/stat.h>

using namespace loom;
using loom::tests::Folder;

namespace {

unsigned mode_of(const std::string& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 0777;
}

LogEntry entry(std::string path, std::string text) {
    LogEntry made;
    made.job = "backup";
    made.file.path = std::move(path);
    made.text = std::move(text);
    return made;
}

void append(JobLog& log, std::string path, std::string text) { log.append(entry(std::move(path), std::move(text))); }

void make_old(const std::string& path, std::chrono::hours age) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
}

std::set<std::string> names(const std::string& folder) {
    std::set<std::string> found;
    for (const auto& file : std::filesystem::directory_iterator(folder)) found.insert(file.path().filename().string());
    return found;
}

} // namespace

TEST_CASE("entries are appended in order, and folders made") {
    Folder folder;
    asio::io_context io;
    const auto old_mask = ::umask(0);
    auto log = create_job_log(io.get_executor());
    for (int i = 0; i < 100; ++i) append(*log, folder.path("a/b/x.log"), std::to_string(i) + "\n");
    append(*log, folder.path("y.log"), "other\n");
    io.run();
    ::umask(old_mask);
    const auto text = folder.read("a/b/x.log");
    CHECK(text.starts_with("0\n1\n2\n"));
    CHECK(text.ends_with("98\n99\n"));
    CHECK(folder.read("y.log") == "other\n");
    CHECK(mode_of(folder.path("a")) == 0750);
    CHECK(mode_of(folder.path("a/b/x.log")) == 0640);
    io.restart();
    append(*log, folder.path("y.log"), "again\n");
    io.run();
    CHECK(folder.read("y.log") == "other\nagain\n");
}

TEST_CASE("many threads may append") {
    Folder folder;
    asio::thread_pool writers(4), blocking(2);
    auto log = create_job_log(blocking.get_executor());
    for (int i = 0; i < 1000; ++i) asio::post(writers, [&] { append(*log, folder.path("x.log"), "line\n"); });
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
    for (int i = 0; i < 5; ++i) append(*log, folder.path("x.log"), half);
    io.run();
    CHECK(folder.read("x.log").size() == limits::job_log_queue_bytes);
    io.restart();
    append(*log, folder.path("x.log"), "next\n");
    io.run();
    CHECK(folder.read("x.log").ends_with("x[loom: 3 log entries were dropped here]\nnext\n"));
}

TEST_CASE("a path that leads elsewhere is refused") {
    Folder folder;
    asio::io_context io;
    auto log = create_job_log(io.get_executor());
    folder.write("sub/keep");
    append(*log, folder.path("sub/../x.log"), "x");
    append(*log, "relative.log", "x");
    append(*log, "", "x");
    append(*log, folder.path("sub"), "a folder cannot be written to");
    io.run();
    CHECK(!std::filesystem::exists(folder.path("x.log")));
    CHECK(!std::filesystem::exists("relative.log"));
}

TEST_CASE("a log's older files are known by their names") {
    const std::string run = "01a20d74-5c5c-74bb-a074-5f35e164d3f1", other = "01a20d74-66dc-7785-a3ac-6d2b9f640fea";
    const std::string due = "2026-11-24T12:07:00Z";
    struct Row {
        std::string other, name;
        bool older;
    };
    const Row rows[] = {
        {"x.log", "x.log", false},
        {"x.log.20261129T031500Z", "x.log", true},
        {"x.log.1", "x.log", false},
        {"x.log.20261129T031500", "x.log", false},
        {"y.log.20261129T031500Z", "x.log", false},
        {"job-" + other + ".log", "job-" + run + ".log", true},
        {"job-" + other + ".log.20261129T031500Z", "job-" + run + ".log", true},
        {"jab-" + other + ".log", "job-" + run + ".log", false},
        {"job-" + other + ".txt", "job-" + run + ".log", false},
        {"job-zzzzzzzz-5c5c-74bb-a074-5f35e164d3f1.log", "job-" + run + ".log", false},
        {"job-2025-01-31T00:00:00Z.log", "job-" + due + ".log", true},
        {"job-2025-01-31 00:00:00Z.log", "job-" + due + ".log", false},
        {"anything.log", "", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.other, row.name);
        CHECK(is_older_file(row.other, row.name, run, due) == row.older);
    }
    CHECK(rotated_name("x.log", 1764385945) == "x.log.20251129T031225Z");
}

TEST_CASE("a log that would pass its bound is renamed, and what is too old goes") {
    Folder folder;
    asio::io_context io;
    auto log = create_job_log(io.get_executor());
    for (const auto* name : {"x.log.20250101T000000Z", "x.log.20261101T000000Z", "y.log.20250101T000000Z", "x.log.gz"})
        folder.write(name, "old");
    for (const auto* name : {"x.log.20250101T000000Z", "y.log.20250101T000000Z", "x.log.gz"})
        make_old(folder.path(name), std::chrono::hours(48));
    auto first = entry(folder.path("x.log"), "12345678\n");
    first.file.rotate = 10;
    first.file.keep = std::chrono::hours(24);
    log->append(first);
    auto second = first;
    second.text = "second\n";
    log->append(second);
    io.run();
    CHECK(folder.read("x.log") == "second\n");
    auto found = names(folder.path(""));
    for (const auto* name : {"x.log", "x.log.20261101T000000Z", "y.log.20250101T000000Z", "x.log.gz"}) CHECK(found.erase(name) == 1);
    REQUIRE(found.size() == 1); // the first, renamed
    CHECK(folder.read(*found.begin()) == "12345678\n");
}

TEST_CASE("of a folder with a file for each run those of older runs go") {
    Folder folder;
    asio::io_context io;
    auto log = create_job_log(io.get_executor());
    const std::string run = "01a20d74-5c5c-74bb-a074-5f35e164d3f1", old = "01a20d74-66dc-7785-a3ac-6d2b9f640fea";
    folder.write("logs/job-" + old + ".log", "old");
    make_old(folder.path("logs/job-" + old + ".log"), std::chrono::hours(48));
    auto one = entry(folder.path("logs/job-" + run + ".log"), "new\n");
    one.run = run;
    one.file.keep = std::chrono::hours(24);
    log->append(one);
    io.run();
    CHECK(names(folder.path("logs")) == std::set<std::string>{"job-" + run + ".log"});
}

TEST_CASE("a log that cannot be written is told once, until it can be") {
    static std::vector<std::string> told;
    told.clear();
    const auto before = set_log_output([](const LogLine& line) { told.push_back(std::string(line.about.job) + ": " + std::string(line.text)); });
    Folder folder;
    asio::io_context io;
    auto log = create_job_log(io.get_executor());
    std::filesystem::create_directory(folder.path("a"));
    for (int i = 0; i < 3; ++i) append(*log, folder.path("a"), "x");
    append(*log, folder.path("b"), "x");
    append(*log, "relative", "x");
    append(*log, "relative", "x");
    io.run();
    set_log_output(before);
    REQUIRE(told.size() == 2);
    CHECK(told[0] == "backup: the job log relative: is refused: expected an absolute path without \"..\"");
    CHECK(told[1] == "backup: the job log " + folder.path("a") + ": is a folder: end the path with a / for a file for each run");
}

TEST_CASE("logs that cannot be written are problems of their jobs") {
    Folder folder;
    folder.write("file");
    std::filesystem::create_directory(folder.path("folder"));
    Catalog catalog;
    for (const auto& [name, path] : std::map<std::string, std::string>{
             {"a", ""}, {"b", folder.path("new/x.log")}, {"c", folder.path("folder")}, {"d", folder.path("file/x.log")},
             {"e", folder.path("folder/{{ run.id }}.log")}, {"f", folder.path("file/{{ run.id }}.log")}}) {
        Job job;
        job.name = name;
        job.policy->log_file.path = path;
        catalog.jobs.push_back(job);
    }
    std::string found;
    for (const auto& problem : unwritable_logs(catalog)) found += problem.job + ": " + problem.message + "\n";
    CHECK(found == "c: log: " + folder.path("folder") + " is a folder: end the path with a / for a file for each run\n" +
                       "d: log: " + folder.path("file") + " is no folder\n" + "f: log: " + folder.path("file") + " is no folder\n");
}
