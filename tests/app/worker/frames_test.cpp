#include "app/worker/frames.hpp"

#include "app/worker/limits.hpp"
#include "app/worker/text.hpp"
#include "support/catch.hpp"

#include <fcntl.h>
#include <unistd.h>

using namespace loom;

namespace {

std::vector<std::string> bodies(const std::vector<Frame>& frames) {
    std::vector<std::string> texts;
    for (const auto& frame : frames) texts.push_back(frame.body);
    return texts;
}

std::vector<Descriptor> one_file() {
    std::vector<Descriptor> files;
    files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return files;
}

} // namespace

TEST_CASE("frames are put together however their bytes are cut") {
    const auto bytes = to_frame("{}") + to_frame("[1, 2]") + to_frame(std::string(70'000, 'x'));
    for (const std::size_t cut : {1u, 2u, 3u, 5u, 7u, 4096u, 1'000'000u}) {
        FrameReader reader;
        std::vector<std::string> got;
        for (std::size_t at = 0; at < bytes.size(); at += cut) {
            const auto frames = reader.feed(std::string_view(bytes).substr(at, cut));
            REQUIRE(frames.has_value());
            for (auto& body : bodies(*frames)) got.push_back(std::move(body));
        }
        CHECK(got == std::vector<std::string>{"{}", "[1, 2]", std::string(70'000, 'x')});
        CHECK_FALSE(reader.within());
    }
}

TEST_CASE("an empty frame and one beyond the bound are refused before they are read") {
    CHECK(FrameReader().feed(std::string("\0\0\0\0", 4)).error().message == "an empty frame");
    CHECK(FrameReader().feed("\xff\xff\xff\xff").error().message == "a frame of 4294967295 bytes, and 2097152 is the most");
    FrameReader reader;
    CHECK(reader.feed(to_frame(std::string(worker_limits::frame_bytes, 'x'))).has_value());
}

TEST_CASE("a file belongs to the frame that begins last among its bytes") {
    FrameReader reader;
    const auto first = to_frame("one"), second = to_frame("two");
    REQUIRE(reader.feed(first.substr(0, 5)).has_value());
    const auto frames = reader.feed(first.substr(5) + second, one_file());
    REQUIRE(frames.has_value());
    REQUIRE(frames->size() == 2);
    CHECK_FALSE(bool((*frames)[0].file));
    CHECK(bool((*frames)[1].file));
}

TEST_CASE("a file comes with the first byte of its frame, and waits for the rest of it") {
    FrameReader reader;
    const auto bytes = to_frame("body");
    REQUIRE(reader.feed(bytes.substr(0, 1), one_file()).has_value());
    const auto frames = reader.feed(bytes.substr(1));
    REQUIRE(frames.has_value());
    REQUIRE(frames->size() == 1);
    CHECK(bool((*frames)[0].file));
}

TEST_CASE("a file without a frame and two files at once are refused") {
    FrameReader reader;
    const auto bytes = to_frame("body");
    REQUIRE(reader.feed(bytes.substr(0, 6)).has_value());
    CHECK(reader.feed(bytes.substr(6), one_file()).error().message == "a file that belongs to no frame");
    auto two = one_file();
    two.push_back(std::move(one_file().front()));
    CHECK(FrameReader().feed(bytes, std::move(two)).error().message == "two files came with one frame");
}

TEST_CASE("a descriptor is closed with its frame") {
    int number = -1;
    {
        auto files = one_file();
        number = files.front().number();
        CHECK(FrameReader().feed(to_frame("x"), std::move(files)).has_value());
    }
    CHECK(::fcntl(number, F_GETFD) < 0);
}

TEST_CASE("bytes that are no text are replaced, and a character that is cut waits for its end") {
    CHECK(replaced_utf8("a\xff\xc3\xa4") == "a\xef\xbf\xbd\xc3\xa4");
    Utf8Stream stream;
    CHECK(stream.take("x\xe2\x82") == "x");
    CHECK(stream.take("\xac y\xc3") == "\xe2\x82\xac y");
    CHECK(stream.take("z") == "\xef\xbf\xbdz");
}
