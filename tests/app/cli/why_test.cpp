#include "fake_service.hpp"
#include "support/catch.hpp"

namespace loom {

TEST_CASE("why asks for a job, an instant or a run, and tells it in sentences") {
    CliBench loom;
    loom.script.why.job = "backup";
    loom.script.why.run = "01a2-cafe";
    loom.script.why.local = "2026-11-28T02:00:00+01:00";
    loom.script.why.verdict = "never_ran";
    loom.script.why.because = {"First.", "Second."};
    CHECK(loom({"why", "backup@02:00"}) == 0);
    CHECK(loom.script.why_query.subject == "backup");
    CHECK(loom.script.why_query.at == "02:00");
    CHECK(loom.out.str() == "backup, Sat 2026-11-28 02:00:00 +01:00: never ran\n\nFirst.\nSecond.\n");
    CHECK(holds(loom.err.str(), "look deeper: loom runs show 01a2-cafe"));
    CHECK(loom({"why", "mail@night@2026-11-28"}) == 0);
    CHECK(loom.script.why_query.subject == "mail@night");
    CHECK(loom({"why", "01a2"}) == 0);
    CHECK(loom.script.why_query.at.empty());
    CHECK(loom({"why"}) == 2);
    loom.err.str({});
    CHECK(loom({"why", "nightly@"}) == 2);
    CHECK(loom.err.str() == "loom: nightly@: expected a time behind @, as in nightly@02:00, or no @\n");
    loom.script.error = not_found("there is no job \"bakcup\"");
    CHECK(loom({"why", "bakcup"}) == 5);
}

} // namespace loom
