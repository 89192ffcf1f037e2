#include "core/config/crontab.hpp"
#include "core/config/nodes_text.hpp"
#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

#include <boost/json/serialize.hpp>

using namespace loom;
using namespace loom::tests;

namespace {

struct Read {
    CrontabJobs jobs;
    std::string faults, warnings;

    std::string job(std::string_view name) const { return boost::json::serialize(jobs.manifest.at("jobs").at(name)); }
};

Read read(std::string_view text, bool system = false) {
    const SourceText source{"/etc/crontab", "crontab", text};
    Faults faults;
    Read result{read_crontab(source, {system, "web1"}, faults), {}, {}};
    for (const auto& fault : faults) result.faults += to_string(fault.mark) + ": " + fault.message + "\n";
    for (const auto& warning : result.jobs.warnings) result.warnings += to_string(warning.mark) + ": " + warning.message + "\n";
    return result;
}

} // namespace

TEST_CASE("each line of a crontab becomes a job") {
    const auto found = read(R"(# m h dom mon dow command
PATH=/usr/local/bin:/usr/bin
  NAME = "two words"
MAILTO=root
CRON_TZ=Europe/Berlin
5 3 * * mon-fri	/opt/bin/backup.sh --full >/dev/null 2>&1
CRON_TZ=
RANDOM_DELAY=5
@daily cleanup
RANDOM_DELAY=0
0 0 1 * * date +\%F
MAILTO=anna
)");
    CHECK(found.faults.empty());
    CHECK(found.warnings == "crontab:4:1: MAILTO: Loom sends no mail; what a job prints is kept: loom logs\n");
    CHECK(found.job("backup-full") ==
          R"({"description":"crontab line 6","command":"/opt/bin/backup.sh --full >/dev/null 2>&1","env":{"NAME":"two words","PATH":"/usr/local/bin:/usr/bin"},"schedule":{"cron":"5 3 * * mon-fri","tz":"Europe/Berlin"},"targets":"web1"})");
    CHECK(found.job("cleanup").find(R"("schedule":{"cron":"@daily","splay":"5m"})") != std::string::npos);
    CHECK(found.job("date-f").find(R"("command":"date +%F")") != std::string::npos);
}

TEST_CASE("what follows a percent sign is the command's input") {
    CHECK(read("* * * * * mail -s hi%first%it's 100\\% %\n").job("mail-s-hi").find(
              R"("command":"mail -s hi","stdin":"first\nit's 100% \n\n")") != std::string::npos);
}

TEST_CASE("a shell and a home are kept") {
    const auto job = read("SHELL=/bin/bash\nHOME=/srv/app\n@hourly ./run 'a b'\n").job("run-a-b");
    CHECK(job.find(R"("command":"/bin/bash -c './run '\\''a b'\\'''")") != std::string::npos);
    CHECK(job.find(R"("env":{"HOME":"/srv/app"},"cwd":"/srv/app")") != std::string::npos);
}

TEST_CASE("a system's crontab has a user before the command") {
    const auto found = read("17 * * * * root cd / && run-parts --report /etc/cron.hourly\n* * * * * www php x\n", true);
    CHECK(found.faults.empty());
    CHECK(found.warnings ==
          "crontab:1:17: the user's column becomes sudo: its password, if it asks for one, is the node's become.password\n");
    CHECK(found.job("cd-run-parts-report-cron.hourly").find(
              R"("command":"cd / && run-parts --report /etc/cron.hourly","become":{"user":"root"})") != std::string::npos);
}

TEST_CASE("jobs of one name are told apart by their lines") {
    const auto found = read("1 * * * * run\n2 * * * * run\n2 * * * * run\n");
    std::string names;
    for (const auto& entry : found.jobs.manifest.at("jobs").as_object()) names += std::string(entry.key()) + " ";
    CHECK(names == "run run-cb153f run-cb153f-2 ");
    CHECK(read("2 * * * * run\n").jobs.manifest.at("jobs").as_object().contains("run"));
}

TEST_CASE("what cron would refuse is a fault, what Loom cannot do a warning") {
    const std::vector<std::pair<std::string, std::string>> faults{
        {"* * * * *\n", "crontab:1:1: expected five fields or @NAME, and a command\n"},
        {"\n 61 * * * * x\n", "crontab:2:2: "},
        {"@dayly x\n", "crontab:1:1: "},
        {"hello\n", "crontab:1:1: expected five fields or @NAME, and a command\n"},
        {"CRON_TZ=Mars/Base\n", "crontab:1:1: CRON_TZ: "},
        {"RANDOM_DELAY=soon\n", "crontab:1:1: RANDOM_DELAY: expected minutes, not \"soon\"\n"},
        {"* * * * * x \xff\n", "crontab:1:13: byte 0xff is not text\n"},
    };
    for (const auto& [text, expected] : faults) {
        CAPTURE(text);
        CHECK(read(text).faults.starts_with(expected));
    }
    CHECK(read("* * * * * echo {{ node.name }}\n").warnings ==
          "crontab:1:11: its braces mean something to Loom: the line is left out\n");
    const auto random = read("0~59 ~ * * * x\n");
    CHECK(random.warnings == "crontab:1:1: ~ becomes H: a time that stays the same for each job\n");
    CHECK(random.job("x").find(R"("schedule":"H(0-59) H * * *")") != std::string::npos);
}

TEST_CASE("the manifest of a crontab has no problems") {
    const auto found = read("TZ=UTC\nCRON_TZ=Europe/Berlin\n0 0 13 * * a: b # c\n@reboot x\n*/5 * * * * y%in\n0 4 * * * docker ps --format '{{.Names}}'\n");
    REQUIRE(found.faults.empty());
    const auto yaml = to_yaml(found.jobs.manifest);
    CAPTURE(yaml);
    CHECK(problems_of(catalog_texts(yaml)).empty());
    CHECK(build_catalog(catalog_texts(yaml)).value()->jobs.size() == 4);
}
