#include "core/base/near.hpp"
#include "support/catch.hpp"

#include <vector>

namespace loom {

TEST_CASE("a misspelling leads to the nearest word") {
    const std::vector<std::string> words{"schedule", "targets", "task", "timeout", "log"};
    const std::pair<const char*, const char*> cases[] = {
        {"shedule", "schedule"}, {"schedlue", "schedule"}, {"target", "targets"}, {"tsak", "task"}, {"timeuot", "timeout"}, {"lgo", "log"},
    };
    for (const auto& [word, found] : cases) {
        CAPTURE(word);
        CHECK(nearest(word, words) == std::string(found));
    }
}

TEST_CASE("a word that resembles none leads nowhere") {
    const std::vector<std::string> words{"schedule", "targets"};
    for (const auto* word : {"", "x", "colour", "sch", "completely"}) {
        CAPTURE(word);
        CHECK(!nearest(word, words));
        CHECK(did_you_mean(word, words).empty());
    }
    CHECK(!nearest(std::string(300, 'a'), words));
    CHECK(!nearest("task", {}));
}

TEST_CASE("of equally near words the first is meant") {
    const std::vector<std::string> words{"web1", "web2"};
    CHECK(nearest("web3", words) == std::string("web1"));
    CHECK(did_you_mean("web3", words) == " (did you mean \"web1\"?)");
}

} // namespace loom
