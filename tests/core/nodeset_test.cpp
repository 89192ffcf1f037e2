#include "core/base/limits.hpp"
#include "core/model/nodeset.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <random>
#include <set>

namespace loom {
namespace {

using Names = std::vector<std::string>;

std::optional<Names> lookup(std::string_view term) {
    if (term == "*") return Names{"web1", "web2", "web10", "db1"};
    if (term == "web") return Names{"web1", "web2", "web10"};
    if (term == "rack1" || term == "rack2") return Names{std::string(term) + "a", "shared"};
    if (term == "label:role=db") return Names{"db1"};
    if (term == "failed:0192") return Names{"web2"};
    if (term == "none") return Names{};
    return std::nullopt;
}

Names expand(std::string_view text) {
    auto names = expand_nodeset(text, lookup);
    if (!names) return {names.error().message};
    return *names;
}

} // namespace

TEST_CASE("node sets are expanded in natural order") {
    const std::pair<const char*, Names> cases[] = {
        {"", {}},
        {"  ", {}},
        {"web1", {"web1"}},
        {"web[1-3]", {"web1", "web2", "web3"}},
        {"web[08-11]", {"web08", "web09", "web10", "web11"}},
        {"web[098-101]", {"web098", "web099", "web100", "web101"}},
        {"web[98-101]", {"web98", "web99", "web100", "web101"}},
        {"[1-9/2]", {"1", "3", "5", "7", "9"}},
        {"n[1-3,7]", {"n1", "n2", "n3", "n7"}},
        {"n[ 1 , 3 ]x", {"n1x", "n3x"}},
        {"r[1-2]n[1-2]", {"r1n1", "r1n2", "r2n1", "r2n2"}},
        {"n[1,01,001]", {"n001", "n01", "n1"}},
        {"web1.example.org,db-1_a", {"db-1_a", "web1.example.org"}},
        {"a,b,a", {"a", "b"}},
        {"n[1-10]!n[3-9]", {"n1", "n2", "n10"}},
        {"n[1-5]&n[4-9]", {"n4", "n5"}},
        {"n[1-3]^n[2-4]", {"n1", "n4"}},
        {"n[1,1-2]^n1", {"n2"}},
        {"a,b!a,a", {"a", "b"}},
        {"a!a,b", {"b"}},
        {"a!(a,b)", {}},
        {"(a,b)!(b,(c))", {"a"}},
        {" a , b\t! b \n", {"a"}},
        {"@web", {"web1", "web2", "web10"}},
        {"@*!@web", {"db1"}},
        {"@*&@label:role=db", {"db1"}},
        {"@failed:0192", {"web2"}},
        {"@rack[1-2]", {"rack1a", "rack2a", "shared"}},
        {"@none", {}},
        {"web1!@none", {"web1"}},
    };
    for (const auto& [text, names] : cases) {
        CAPTURE(text);
        CHECK(expand(text) == names);
    }
}

TEST_CASE("a mistake is told with its column") {
    const std::pair<const char*, const char*> cases[] = {
        {"web[1-3", "column 8: expected \"]\""},
        {"web[", "column 5: expected a number"},
        {"web[]", "column 5: expected a number"},
        {"web[1-]", "column 7: expected a number"},
        {"web[a-b]", "column 5: expected a number"},
        {"web[3-1]", "column 5: the range 3-1 runs backwards"},
        {"web[1-3/0]", "column 9: a step of 0"},
        {"web[1-05]", "column 7: the ends of a range are padded differently"},
        {"web[1234567890123456789]", "column 5: the number has more than 18 digits"},
        {"web1,", "column 6: expected a node's name"},
        {",web1", "column 1: expected a node's name, found \",\""},
        {"a,,b", "column 3: expected a node's name"},
        {"a b", "column 3: expected an operator"},
        {"a]", "column 2: expected an operator"},
        {"a)", "column 2: expected an operator"},
        {"(a", "column 3: expected \")\""},
        {"()", "column 2: expected a node's name"},
        {"a@b", "column 2: expected an operator before @"},
        {"a,@", "column 4: expected a group's name"},
        {"a,@wbe", "column 3: unknown group @wbe (did you mean \"web\"?)"},
        {"@label:role=x", "column 1: unknown term @label:role=x"},
        {"n[0-1000000]", "column 1: more than 1000000 nodes"},
        {"n[0-999]m[0-999]o[0-999]p[0-999]q[0-999]r[0-999]s[0-999]", "column 1: more than 1000000 nodes"},
        {"n[0-999999999999999999]", "column 1: more than 1000000 nodes"},
    };
    const Names groups{"web", "db"};
    for (const auto& [text, message] : cases) {
        CAPTURE(text);
        const auto names = expand_nodeset(text, lookup, groups);
        REQUIRE(!names);
        CHECK(names.error().code == (std::string_view(message).find("unknown") == std::string_view::npos ? Errc::usage : Errc::not_found));
        CAPTURE(names.error().message);
        CHECK(names.error().message.starts_with(message));
    }
    CHECK(!expand_nodeset(std::string(100, '(') + 'a' + std::string(100, ')')));
    CHECK(!expand_nodeset(std::string(limits::nodeset_expression_bytes + 1, 'a')));
    CHECK(!expand_nodeset("@web"));
}

TEST_CASE("names fold into the shortest spelling") {
    const std::pair<Names, const char*> cases[] = {
        {{}, ""},
        {{"web1"}, "web1"},
        {{"web1", "web1"}, "web1"},
        {{"lone", "lone"}, "lone"},
        {{"web2", "web1"}, "web[1-2]"},
        {{"web1", "web3", "web2", "web7"}, "web[1-3,7]"},
        {{"web08", "web09", "web10"}, "web[08-10]"},
        {{"web8", "web9", "web10"}, "web[8-10]"},
        {{"web001", "web100", "web1000"}, "web[001,100],web1000"},
        {{"web1", "db1", "alone"}, "alone,db1,web1"},
        {{"db10", "db9", "web1"}, "db[9-10],web1"},
        {{"r1n1", "r1n2", "r2n1", "r2n2"}, "r[1-2]n[1-2]"},
        {{"r1n1", "r1n2", "r2n1"}, "r1n[1-2],r2n1"},
        {{"10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2"}, "10.0.[0-1].[1-2]"},
        {{"a1.x", "a2.x", "a1.y"}, "a[1-2].x,a1.y"},
        {{"n12345678901234567890", "n1"}, "n1,n12345678901234567890"},
        {{"a1b2c3d4e5", "a1b2c3d4e6"}, "a1b2c3d4e[5-6]"},
    };
    for (const auto& [names, folded] : cases) CHECK(fold_nodeset(names) == folded);
}

TEST_CASE("folding and expanding give the same names back") {
    std::mt19937 random(3);
    const auto pick = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
    for (int round = 0; round < 200; ++round) {
        std::set<std::string> chosen;
        for (int i = pick(60); i >= 0; --i) {
            std::string name;
            for (int part = pick(4); part >= 0; --part) {
                name += std::string("ab.-").substr(static_cast<std::size_t>(pick(4)), 1);
                if (pick(3)) name += std::string(static_cast<std::size_t>(pick(3)), '0') + std::to_string(pick(12));
            }
            chosen.insert(name);
        }
        Names names(chosen.begin(), chosen.end());
        std::shuffle(names.begin(), names.end(), random);
        const auto folded = fold_nodeset(names);
        std::ranges::sort(names, natural_less);
        if (expand(folded) != names) {
            CAPTURE(folded);
            CHECK(expand(folded) == names);
        }
    }
    CHECK(fold_nodeset(expand("web[001-790]")) == "web[001-790]");
    CHECK(fold_nodeset(expand("r[01-40]n[1-100]")) == "r[01-40]n[1-100]");
}

TEST_CASE("natural order compares runs of digits as numbers") {
    const Names sorted{"1", "2", "10", "a", "a1", "a1b", "a1b2", "a1b10", "a02", "a2", "a10", "a99999999999999999999998", "a99999999999999999999999", "b"};
    for (std::size_t i = 0; i < sorted.size(); ++i)
        for (std::size_t j = 0; j < sorted.size(); ++j) {
            CAPTURE(sorted[i], sorted[j]);
            CHECK(natural_less(sorted[i], sorted[j]) == (i < j));
        }
}

} // namespace loom
