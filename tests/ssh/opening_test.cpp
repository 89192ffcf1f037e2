#include "core/base/limits.hpp"
#include "ssh/command_text.hpp"
#include "ssh/opening.hpp"
#include "fuzz/ssh_targets.hpp"
#include "ssh/rig.hpp"

#include <filesystem>

using namespace loom;

namespace {

std::string said(Opening& opening, std::string_view text, std::size_t piece) {
    std::string output;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) output += opening.take(text.substr(0, piece));
    return output;
}

} // namespace

TEST_CASE("only our own line is taken out of what a command says") {
    struct Row {
        std::string said, output;
        long leader;
    };
    const auto row = GENERATE(values<Row>({
        {"M 12\n", "", 12},
        {"M 12\r\nerr\n", "err\n", 12},
        {"warning: locale\nM 12\nM 13\nM?\n", "warning: locale\nM 13\nM?\n", 12},
        {"export: Command not found.\nM 12\nx", "x", 12},
        {"MM 12\n", "M", 12},
        {"M x\nM 0\nM -1\nM 12 \nM 1 2\nM 7\n", "M x\nM 0\nM -1\nM 12 \nM 1 2\n", 7},
        {"nothing of ours", "nothing of ours", 0},
        {"M 12", "M 12", 0},
        {"M 99999999999999999999999\n", "M 99999999999999999999999\n", 0},
    }));
    const auto piece = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{1000});
    CAPTURE(row.said, piece);
    Opening opening("M", false);
    auto output = said(opening, row.said, piece);
    output += opening.finish();
    CHECK(output == row.output);
    CHECK(opening.leader() == row.leader);
    CHECK(opening.began() == (row.leader != 0));
}

TEST_CASE("what sudo says is output only where the command does not begin") {
    struct Row {
        std::string said, output;
        bool began;
        int prompts;
    };
    const auto row = GENERATE(values<Row>({
        {"rc\nM 12\nlecture\nM?M 30 29\nerr", "rc\nerr", true, 1},
        {"M 12\nM 30 29\nerr", "err", true, 0},
        {"M 12\r\nM?\r\nM 30 29\r\nerr", "err", true, 1},
        {"M 12\nM?Sorry, try again.\nM?\nsudo: 1 incorrect\n", "Sorry, try again.\n\nsudo: 1 incorrect\n", false, 2},
        {"M 12\nsudo: a password is required\n", "sudo: a password is required\n", false, 0},
    }));
    const auto piece = GENERATE(std::size_t{1}, std::size_t{5}, std::size_t{1000});
    CAPTURE(row.said, piece);
    Opening opening("M", true);
    auto output = said(opening, row.said, piece);
    output += opening.finish();
    CHECK(output == row.output);
    CHECK(opening.began() == row.began);
    CHECK(opening.prompts() == row.prompts);
    CHECK(opening.leader() == 12);
    CHECK(opening.inner() == (row.began ? 29 : 0));
}

TEST_CASE("a node that talks without end before its command fills no memory") {
    Opening opening("loom-mark", true);
    std::string output, expected;
    const std::string chunk(30'000, 'x');
    for (int i = 0; i < 20; ++i) {
        output += opening.take(chunk);
        expected += chunk;
    }
    CHECK(output.size() + limits::opening_bytes >= expected.size());
    output += opening.take("loom-mark 7\nloom-mark 9 8\nend");
    CHECK(opening.began());
    CHECK(output.ends_with("end"));
}

TEST_CASE("a command's text carries no password") {
    ExecRequest request;
    request.command = "id; echo 'it is'";
    request.become.emplace();
    request.become->user = "o'hara";
    request.become->password = Secret("pass word");
    const auto text = command_text(request, "M");
    CHECK(text == "export LOOM_EXEC=M; /bin/sh -c 'echo M $PPID >&2'; exec sudo -S -p 'M?' -u 'o'\\''hara' -- /bin/sh -c "
                  "'export LOOM_EXEC=M; echo M $$ $PPID >&2; id; echo '\\''it is'\\'''");
    CHECK(new_mark() != new_mark());
}

TEST_CASE("the corpus of the opening's fuzzer passes") {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(LOOM_SOURCE_DIR "/tests/fuzz/corpus/opening")) {
        CAPTURE(entry.path().string());
        CHECK_NOTHROW(fuzz::opening(ssh_test::read_text(entry.path().string())));
        ++files;
    }
    CHECK(files > 0);
}
