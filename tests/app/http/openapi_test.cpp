#include "app/http/openapi.hpp"
#include "app/http/router.hpp"
#include "support/catch.hpp"

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

using namespace loom;
namespace json = boost::json;

TEST_CASE("the OpenAPI document has each row of the table, with its scope, and refers to nothing that is not there") {
    const auto document = openapi_document();
    CHECK(document.at("openapi") == "3.1.0");
    const auto& paths = document.at("paths").as_object();
    std::size_t operations = 0;
    for (const auto& [path, methods] : paths) operations += methods.as_object().size();
    CHECK(operations == http_routes().size());
    for (const auto& route : http_routes()) {
        CAPTURE(route.pattern);
        const auto& operation = paths.at(route.pattern).at(route.method == HttpMethod::get ? "get" : "post").as_object();
        CHECK(json::value_to<std::string>(operation.at("x-scope")) == std::string(to_string(route.scope)));
        CHECK(json::value_to<std::string>(operation.at("x-touches")) == std::string(to_string(route.touches)));
    }
    const auto text = json::serialize(document);
    const std::regex reference("#/components/schemas/(\\w+)");
    const auto& schemas = document.at("components").at("schemas").as_object();
    for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at) CHECK(schemas.contains((*at)[1].str()));
    CHECK(schemas.at("RunView").at("properties").at("counts").at("additionalProperties").at("type") == "integer");
    const auto due = schemas.at("RunView").at("properties").at("due");
    CHECK(json::serialize(due) == R"({"type":["string","null"]})");
    const auto& run = paths.at("/api/v1/runs/{id}").at("get").at("parameters").as_array();
    CHECK(run.at(0).at("in") == "path");
    CHECK(run.at(1).at("name") == "wait");
}

TEST_CASE("the list of routes in docs/api.md is the table's") {
    std::ifstream file(LOOM_SOURCE_DIR "/docs/api.md");
    const std::regex row(R"(\| `(GET|POST) (/[^`]*)` \| (read|operate|admin) \| (\w+) \|.*)");
    std::vector<std::string> documented, table;
    for (std::string line; std::getline(file, line);) {
        std::smatch found;
        if (std::regex_match(line, found, row)) documented.push_back(found[1].str() + " " + found[2].str() + " " + found[3].str() + " " + found[4].str());
    }
    for (const auto& route : http_routes())
        table.push_back(std::string(to_string(route.method)) + " " + route.pattern.substr(api_root.size()) + " " + std::string(to_string(route.scope)) + " " +
                        std::string(to_string(route.touches)));
    CHECK(documented == table);
}
