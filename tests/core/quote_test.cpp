#include "core/base/quote.hpp"
#include "support/catch.hpp"

#include <vector>

namespace loom {

TEST_CASE("a shell word is quoted only where it must be") {
    const std::pair<const char*, const char*> cases[] = {
        {"plain", "plain"}, {"/usr/bin/a-b_c.d", "/usr/bin/a-b_c.d"}, {"", "''"}, {"two words", "'two words'"}, {"a=b", "'a=b'"},
        {"$HOME", "'$HOME'"}, {"~", "'~'"}, {"it's", "'it'\\''s'"}, {"'", "''\\'''"}, {"a\nb", "'a\nb'"}, {"`id`;*", "'`id`;*'"},
    };
    for (const auto& [word, quoted] : cases) {
        CAPTURE(word);
        CHECK(shell_quote(word).value() == quoted);
    }
}

TEST_CASE("an argv becomes one command text") {
    const std::vector<std::string> words{"ls", "-l", "a b", ""};
    CHECK(shell_join(words).value() == "ls -l 'a b' ''");
    CHECK(shell_join({}).value().empty());
}

TEST_CASE("a NUL byte is refused") {
    const std::vector<std::string> words{"ls", std::string("a\0b", 3)};
    CHECK(shell_quote(words[1]).error().code == Errc::usage);
    CHECK(shell_join(words).error().code == Errc::usage);
}

} // namespace loom
