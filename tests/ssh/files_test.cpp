#include "ssh/rig.hpp"
#include "core/base/bytes.hpp"
#include "ssh/transfer_paths.hpp"

#include <fstream>
#include <poll.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

using namespace loom;
using namespace loom::ssh_test;

namespace {

std::string random_bytes(std::size_t size) {
    std::mt19937_64 random(size);
    std::string bytes(size, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

unsigned mode_of(const std::string& file) {
    struct stat status {};
    return ::lstat(file.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

ino_t inode_of(const std::string& file) {
    struct stat status {};
    return ::lstat(file.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        names.push_back(entry.path().lexically_relative(folder));
    std::ranges::sort(names);
    return names;
}

/// One connection that puts and gets.
struct Courier {
    Rig rig;
    std::unique_ptr<Connector> reaches = rig.connector();

    template <class Request>
    Outcome carry(Request request, StopToken stop = {}) {
        Outcome outcome;
        std::string unreached;
        rig.run([&]() -> awaitable<void> {
            const StopToken none;
            auto connected = co_await reaches->connect(Rig::node(), request.timeout, none, nullptr);
            unreached = connected.unreached.message;
            if (!connected.remote) co_return;
            outcome = co_await move(*connected.remote, request, stop);
            co_await connected.remote->close();
        });
        INFO(unreached);
        REQUIRE(unreached.empty());
        return outcome;
    }

    Outcome put(std::vector<std::string> sources, std::string destination, std::optional<unsigned> mode = {}) {
        PutRequest request;
        request.sources = std::move(sources);
        request.destination = std::move(destination);
        request.mode = mode;
        return carry(std::move(request));
    }

    Outcome get(std::vector<std::string> sources, std::string below = "node1") {
        GetRequest request;
        request.sources = std::move(sources);
        request.folder = rig.folder.path("got");
        request.below = std::move(below);
        return carry(std::move(request));
    }

    static awaitable<Outcome> move(Remote& remote, PutRequest request, StopToken stop) {
        return remote.put(std::move(request), std::move(stop));
    }
    static awaitable<Outcome> move(Remote& remote, GetRequest request, StopToken stop) {
        return remote.get(std::move(request), std::move(stop));
    }
};

} // namespace

TEST_CASE("random bytes come back as they went", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    for (const std::size_t size : {0u, 1u, 30'000u, 262'144u, 3'000'001u}) {
        CAPTURE(size);
        const auto bytes = random_bytes(size);
        const auto source = folder.write("source", bytes, 0640), there = folder.path("there");
        std::filesystem::remove(there);
        const auto put = courier.put({source}, there);
        INFO(put.message << put.err.text);
        CHECK(put.state == NodeState::changed);
        CHECK(read_text(there) == bytes);
        CHECK(mode_of(there) == 0640);
        const auto got = courier.get({there});
        INFO(got.message << got.err.text);
        CHECK(got.state == NodeState::changed);
        CHECK(read_text(folder.path("got/node1/there")) == bytes);
        CHECK(mode_of(folder.path("got/node1/there")) == 0640);
        std::filesystem::remove_all(folder.path("got"));
    }
}

TEST_CASE("what is there already stays, by its hash", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    const auto source = folder.write("it's a $(source)", "one", 0600), there = folder.path("it's $(there)");
    CHECK(courier.put({source}, there).out.text ==
          "put " + there + " (3 B)\n1 file transferred (3 B), 0 unchanged\n");
    const auto first = inode_of(there);
    const auto again = courier.put({source}, there);
    CHECK(again.state == NodeState::ok);
    CHECK(again.out.text == "unchanged " + there + "\n0 files transferred (0 B), 1 unchanged\n");
    CHECK(inode_of(there) == first);

    const auto looser = courier.put({source}, there, 0644);
    CHECK(looser.state == NodeState::changed);
    CHECK(mode_of(there) == 0644);
    CHECK(inode_of(there) == first);

    folder.write("it's a $(source)", "two", 0600); // as long as before
    CHECK(courier.put({source}, there).state == NodeState::changed);
    CHECK(read_text(there) == "two");
    CHECK(inode_of(there) != first);

    CHECK(courier.get({there}).state == NodeState::changed);
    CHECK(courier.get({there}).state == NodeState::ok);
}

TEST_CASE("a tree goes and comes with its folders, modes and links", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    std::filesystem::create_directories(folder.path("tree/sub/deep"));
    std::filesystem::create_directories(folder.path("tree/empty"));
    folder.write("tree/a", "a", 0755);
    folder.write("tree/sub/deep/b", random_bytes(100'000), 0600);
    std::filesystem::create_symlink("a", folder.path("tree/link"));
    ::mkfifo(folder.path("tree/fifo").c_str(), 0600);
    const auto there = folder.path("there");
    const std::vector<std::string> sent = {"a", "empty", "link", "sub", "sub/deep", "sub/deep/b"};

    const auto put = courier.put({folder.path("tree")}, there);
    INFO(put.message << put.err.text);
    CHECK(put.state == NodeState::changed);
    CHECK(put.out.text.find("skipped " + folder.path("tree/fifo")) != std::string::npos);
    CHECK(names_in(there) == sent);
    CHECK(mode_of(folder.path("there/a")) == 0755);
    CHECK(std::filesystem::read_symlink(folder.path("there/link")) == "a");
    // A repetition does the same, although the destination is a folder by now.
    CHECK(courier.put({folder.path("tree")}, there).state == NodeState::ok);
    CHECK(names_in(there) == sent);
    CHECK(courier.put({folder.path("tree")}, there + "/").state == NodeState::changed);
    CHECK(std::filesystem::exists(folder.path("there/tree/sub/deep/b")));
    std::filesystem::remove_all(folder.path("there/tree"));

    const auto got = courier.get({there});
    INFO(got.message << got.err.text);
    CHECK(got.state == NodeState::changed);
    CHECK(names_in(folder.path("got/node1/there")) == std::vector<std::string>{"a", "empty", "sub", "sub/deep", "sub/deep/b"});
    CHECK(read_text(folder.path("got/node1/there/sub/deep/b")) == random_bytes(100'000));
    CHECK(got.out.text.find("skipped " + folder.path("there/link") + " (a link)") != std::string::npos);
    CHECK(courier.get({there}).state == NodeState::ok);
    CHECK(courier.get({there + "/"}, "node2").state == NodeState::changed);
    CHECK(std::filesystem::exists(folder.path("got/node2/a")));
}

TEST_CASE("several sources go into a folder, a file into one that is there", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    const auto a = folder.write("a", "1"), b = folder.write("b", "2");
    CHECK(courier.put({a, b}, folder.path("both")).state == NodeState::changed);
    CHECK(names_in(folder.path("both")) == std::vector<std::string>{"a", "b"});
    CHECK(courier.put({a}, folder.path("both")).state == NodeState::ok);
    CHECK(courier.put({a, folder.path("a")}, folder.path("both")).message == "two sources are called a");
    CHECK(courier.put({a, b}, a).message == a + ": is not a folder");
    CHECK(courier.put({folder.path("none")}, folder.path("x")).message ==
          "cannot read " + folder.path("none") + ": No such file or directory");
}

TEST_CASE("a failure names the path and the reason, and leaves nothing behind", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    const auto source = folder.write("source", "x");
    const auto nowhere = courier.put({source}, folder.path("none/such"));
    CHECK(nowhere.state == NodeState::failed);
    CHECK(nowhere.message == folder.path("none/such") + ": no such file or folder");
    CHECK(courier.get({folder.path("none")}).message == folder.path("none") + ": no such file or folder");

    // Not even root may write here.
    const auto refused = courier.put({source}, "/sys/x");
    CHECK(refused.state == NodeState::failed);
    CHECK(refused.message.starts_with("/sys/x: "));
    // A folder stands where the file would go: the temporary file must not stay.
    std::filesystem::create_directories(folder.path("out/source"));
    CHECK(courier.put({source}, folder.path("out/")).message == folder.path("out/source") + ": is a folder on the node");
    CHECK(names_in(folder.path("out")) == std::vector<std::string>{"source"});
}

TEST_CASE("a file of another's is refused with the server's reason", "[files]") {
    if (::geteuid() == 0) return; // root may read everything
    Courier courier;
    const auto& folder = courier.rig.folder;
    const auto secret = folder.write("secret", "x", 0000);
    CHECK(courier.get({secret}).message == secret + ": permission denied");
    CHECK(names_in(folder.path("got/node1")).empty());
}

TEST_CASE("a link below the local folder is never followed", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    std::filesystem::create_directories(folder.path("tree/sub"));
    std::filesystem::create_directories(folder.path("outside"));
    std::filesystem::create_directories(folder.path("got/node1/tree"));
    folder.write("tree/sub/file", "new");
    std::filesystem::create_symlink(folder.path("outside"), folder.path("got/node1/tree/sub"));
    const auto got = courier.get({folder.path("tree")});
    CHECK(got.state == NodeState::failed);
    CHECK(got.message == "cannot make " + folder.path("got/node1/tree/sub") + ": Too many levels of symbolic links");
    CHECK(names_in(folder.path("outside")).empty());

    // Where the file itself is a link, the link is replaced.
    const auto kept = folder.write("kept", "old");
    std::filesystem::create_directories(folder.path("got/node2"));
    std::filesystem::create_symlink(kept, folder.path("got/node2/file"));
    CHECK(courier.get({folder.path("tree/sub/file")}, "node2").state == NodeState::changed);
    CHECK(read_text(kept) == "old");
    CHECK_FALSE(std::filesystem::is_symlink(folder.path("got/node2/file")));
}

TEST_CASE("setuid does not travel unless it is asked for", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    const auto source = folder.write("source", "x", 04755), there = folder.path("there");
    CHECK(courier.put({source}, there).state == NodeState::changed);
    CHECK(mode_of(there) == 0755);
    CHECK(courier.put({source}, there, 04711).state == NodeState::changed);
    CHECK(mode_of(there) == 04711);
    CHECK(courier.get({there}).state == NodeState::changed);
    CHECK(mode_of(folder.path("got/node1/there")) == 0711);
}

TEST_CASE("a file that says it is empty is read to its end", "[files]") {
    Courier courier;
    CHECK(courier.get({"/proc/version"}).state == NodeState::changed);
    CHECK(read_text(courier.rig.folder.path("got/node1/version")) == read_text("/proc/version"));
}

TEST_CASE("a stop in the middle leaves neither a target nor a temporary file", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    std::filesystem::create_directories(folder.path("out"));
    std::ofstream(folder.path("huge")).close();
    std::filesystem::resize_file(folder.path("huge"), std::uintmax_t{64} << 30); // sparse: it would take minutes
    for (const bool putting : {true, false}) {
        CAPTURE(putting);
        const auto into = putting ? folder.path("out") : folder.path("got/node1");
        const StopToken stop;
        // The watcher looks until the temporary file is there and has grown: then the transfer is in its middle.
        asio::thread_pool watcher(1);
        std::atomic<bool> over{false}, named{false};
        asio::post(watcher, [&] {
            while (!over) {
                std::error_code ec;
                for (const auto& entry : std::filesystem::directory_iterator(into, ec)) {
                    const auto name = entry.path().filename().string();
                    if (!name.starts_with(".huge.loom-")) named = true;
                    else if (entry.file_size(ec) > 0 && !ec) stop.request(StopReason::cancelled);
                }
                ::poll(nullptr, 0, 1);
            }
        });
        PutRequest put;
        put.sources = {folder.path("huge")};
        put.destination = folder.path("out/huge");
        GetRequest get;
        get.sources = put.sources;
        get.folder = folder.path("got");
        get.below = "node1";
        const auto outcome = putting ? courier.carry(put, stop) : courier.carry(get, stop);
        over = true;
        watcher.join();
        CHECK(outcome.state == NodeState::cancelled);
        CHECK_FALSE(named); // the name itself never stood there
        CHECK(names_in(into).empty());
    }
}

TEST_CASE("a deadline ends a transfer", "[files]") {
    Courier courier;
    const auto& folder = courier.rig.folder;
    std::ofstream(folder.path("huge")).close();
    std::filesystem::resize_file(folder.path("huge"), std::uintmax_t{64} << 30);
    std::filesystem::create_directories(folder.path("out"));
    PutRequest put;
    put.sources = {folder.path("huge")};
    put.destination = folder.path("out/huge");
    put.timeout.command = Milliseconds(300);
    const auto outcome = courier.carry(put);
    CHECK(outcome.state == NodeState::timed_out);
    CHECK(outcome.message == "the transfer did not end within 300ms");
    CHECK(names_in(folder.path("out")).empty());
}

TEST_CASE("names of a server that would escape are refused", "[files]") {
    for (const auto* good : {"a", ".a", "...", "a b", "-rf", "\xff", "a\nb"}) CHECK_FALSE(name_fault(good));
    for (const auto& bad : {std::string(), std::string("."), std::string(".."), std::string("/"), std::string("../x"),
                            std::string("a/b"), std::string("a\0b", 3), std::string(256, 'x')})
        CHECK(name_fault(bad));
    CHECK(base_name("/var/log/") == "log");
    CHECK(base_name("x") == "x");
    for (const auto* none : {"/", "", ".", "a/..", "..//", "~"}) CHECK_FALSE(base_name(none));
    CHECK(join_path("/a/", "b") == "/a/b");
    CHECK(join_path("", "b") == "b");
    CHECK(join_path("/", "b") == "/b");
    CHECK(temporary_path("/etc/motd", "1a2b3c4d") == "/etc/.motd.loom-1a2b3c4d");
    CHECK(temporary_path(std::string(255, 'x'), "1a2b3c4d").size() <= 255);
    CHECK(size_words(1023) == "1023 B");
    CHECK(size_words(1536) == "1.5 KiB");
    CHECK(size_words(3ull << 30) == "3.0 GiB");
}

TEST_CASE("the node's hashes are read strictly", "[files]") {
    const std::string hash(64, 'a');
    using Hashes = std::vector<std::string>;
    CHECK(read_hashes(hash + "  -\n\nSHA2-256(stdin)= " + hash + "\n", 3) == Hashes{hash, "", hash});
    CHECK(read_hashes("", 0) == Hashes{});
    CHECK_FALSE(read_hashes(hash + "  -\n", 2));
    CHECK_FALSE(read_hashes(hash + "  -\n" + hash + "  -\n", 1));
    CHECK_FALSE(read_hashes(hash + "  -", 1));
    CHECK_FALSE(read_hashes("Welcome\n", 1));
}
