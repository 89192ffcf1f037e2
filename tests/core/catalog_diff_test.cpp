#include "core/model/catalog_diff.hpp"

#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

CatalogPtr catalog(std::string jobs, std::string nodes = "web1:\nweb2: {user: root}\n", std::string settings = {}) {
    auto texts = catalog_texts("jobs:\n" + jobs, std::move(nodes));
    texts.settings.text += settings;
    auto built = build_catalog(texts);
    REQUIRE(built.has_value());
    for (const auto& problem : (*built)->problems) REQUIRE(problem.kind == Problem::Kind::warning);
    return *built;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("catalogs differ by the jobs and nodes that were added, removed and changed") {
    const auto before = catalog("  a: {command: x, targets: web1}\n  b: {command: x, targets: web1}\n  c: {command: x, targets: '@*'}\n");
    const auto after = catalog("  a: {command: y, targets: web1}\n  c: {command: x, targets: '@*'}\n  d: {command: x, targets: web1}\n",
                               "web1:\nweb2: {user: anna}\nweb3:\n");
    const auto diff = diff_catalogs(*before, *after);
    CHECK(diff.jobs.added == Names{"d"});
    CHECK(diff.jobs.removed == Names{"b"});
    CHECK(diff.jobs.changed == Names{"a", "c"}); // @* has another node
    CHECK(diff.nodes.added == Names{"web3"});
    CHECK(diff.nodes.removed.empty());
    CHECK(diff.nodes.changed == Names{"web2"});
    const auto back = diff_catalogs(*after, *before);
    CHECK(back.jobs.added == Names{"b"});
    CHECK(back.nodes.removed == Names{"web3"});
}

TEST_CASE("each part of a job is a change of it") {
    const std::string settings = "calendars: {freeze: {dates: [12-24]}, other: {dates: [01-01]}}\n";
    const std::string plain = "  j: {command: x, targets: web1, schedule: {cron: '0 2 * * *', tz: Europe/Berlin}}\n";
    const auto before = catalog(plain, "web1:\n", settings);
    for (const std::string job : {"  j: {command: x, targets: web1, schedule: {cron: '0 3 * * *', tz: Europe/Berlin}}\n",
                                  "  j: {command: x, targets: web1, schedule: {cron: '0 2 * * *', tz: UTC}}\n",
                                  "  j: {command: x, targets: web1, schedule: {cron: '0 2 * * *', tz: Europe/Berlin, count: 3}}\n",
                                  "  j: {command: x, targets: web1, schedule: {cron: '0 2 * * *', tz: Europe/Berlin}, description: d}\n",
                                  "  j: {command: x, targets: web1, schedule: {cron: '0 2 * * *', tz: Europe/Berlin}, overlap: allow}\n",
                                  "  j: {command: x, targets: web1, schedule: {cron: '0 2 * * *', tz: Europe/Berlin, blackout: freeze}}\n",
                                  "  j: {command: x, targets: web1}\n"}) {
        CAPTURE(job);
        CHECK(diff_catalogs(*before, *catalog(job, "web1:\n", settings)).jobs.changed == Names{"j"});
    }
    // Neither another place in the file nor another reading is one, calendars and zones read anew among it.
    const std::string held = "  j: {command: x, targets: web1, schedule: {cron: '0 2 * * *', tz: Europe/Berlin, only: freeze, blackout: other}}\n";
    CHECK(diff_catalogs(*before, *catalog("\n\n" + plain, "\nweb1:\n", settings)).empty());
    CHECK(diff_catalogs(*catalog(held, "web1:\n", settings), *catalog(held, "web1:\n", settings)).empty());
    CHECK(diff_catalogs(*catalog(held, "web1:\n", settings), *catalog(held, "web1:\n", "calendars: {freeze: {dates: [12-25]}, other: {dates: [01-01]}}\n")).jobs.changed == Names{"j"});
}

TEST_CASE("a script's text and the plugin that serves a task are parts of the job, and of the configuration") {
    auto texts = catalog_texts("jobs:\n  a: {script: a.sh, targets: web1}\n  b: {task: ops.up, targets: web1}\n  c: {command: x, targets: web1}\n");
    texts.settings.text += "plugins: {ops: {paths: tasks}}\n";
    texts.code = {{{"ops"}, "1"}};
    std::string script = "one";
    texts.read_script = [&](const std::string&) -> Result<std::string> { return script; };
    const auto before = build_catalog(texts).value();
    CHECK(diff_catalogs(*before, *build_catalog(texts).value()).empty());
    CHECK(build_catalog(texts).value()->digest == before->digest);
    script = "two";
    const auto edited = build_catalog(texts).value();
    CHECK(diff_catalogs(*before, *edited).jobs.changed == Names{"a"});
    CHECK(edited->digest != before->digest);
    texts.code = {{{"ops"}, "2"}};
    const auto coded = build_catalog(texts).value();
    CHECK(diff_catalogs(*edited, *coded).jobs.changed == Names{"b"});
    CHECK(coded->digest != edited->digest);
}
