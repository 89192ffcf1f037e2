#include "app/cli/task_report.hpp"
#include "support/catch.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

using namespace loom;

TEST_CASE("docs/tasks.md is the table's") {
    std::ifstream file(LOOM_SOURCE_DIR "/docs/tasks.md");
    const std::string documented{std::istreambuf_iterator<char>(file), {}};
    CHECK(documented == tasks_markdown(task_library())); // else: loom tasks --markdown > docs/tasks.md
}

TEST_CASE("a task is shown within the terminal's width") {
    for (const auto& row : task_library()) {
        INFO(row.info.name);
        std::istringstream lines(task_text(row.info, 80, Paint(false)));
        bool example = false; // an example is to be copied: no line of it is broken
        for (std::string line; std::getline(lines, line);) {
            example = example || line.starts_with("task: ");
            CHECK((example || line.size() <= 80));
        }
        CHECK(example);
    }
}

TEST_CASE("programs get each parameter with its type") {
    for (const auto& row : task_library()) {
        if (row.info.name != "loom.files.line") continue;
        const auto json = task_json(row.info);
        CHECK(json.at("check").as_bool());
        const auto& state = json.at("parameters").as_array().at(3).as_object();
        CHECK(state.at("name") == "state");
        CHECK(state.at("type") == "choice");
        CHECK(state.at("default") == "present");
        CHECK(state.at("choices").as_array().size() == 2);
        CHECK(json.at("parameters").as_array().at(0).at("default").is_null());
    }
}
