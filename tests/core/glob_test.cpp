#include "core/base/glob.hpp"

#include "core/model/access.hpp"
#include "core/schedule/notice.hpp"
#include "support/catch.hpp"

#include <string>

using namespace loom;

TEST_CASE("a star stands for any characters, a question mark for one, and all else for itself") {
    struct Row {
        std::string pattern, text;
        bool matches;
    };
    const Row rows[] = {
        {"", "", true},          {"", "a", false},          {"*", "", true},        {"*", "anything", true},
        {"a?c", "abc", true},    {"a?c", "ac", false},      {"?", "", false},       {"web*", "web1", true},
        {"*1", "web1", true},    {"*eb*1", "web-1", true},  {"a*b*c", "abcbc", true}, {"a*b*c", "abcb", false},
        {"**a**", "bab", true},  {"[ab]", "a", false},      {"[ab]", "[ab]", true}, {"a\\*", "a\\b", true},
        {"a\\*", "a*", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.pattern, row.text);
        CHECK(glob_matches(row.pattern, row.text) == row.matches);
    }
    const auto stars = [] {
        std::string text;
        for (int i = 0; i < 500; ++i) text += "*a";
        return text + "*b";
    }();
    CHECK(!glob_matches(stars, std::string(1000, 'a'))); // in no time
}

TEST_CASE("tokens and notifications know jobs by the same patterns") {
    for (const auto& [pattern, fits] : {std::pair<const char*, bool>{"back*", true}, {"*[a-z]*", false}, {"backup?", false}, {"backup", true}}) {
        CAPTURE(pattern);
        Grant grant;
        grant.jobs = {pattern};
        NotifyRule rule;
        rule.jobs = {pattern};
        CHECK(covers_job(grant, "backup") == fits);
        CHECK(concerns(rule, "backup") == fits);
    }
}
