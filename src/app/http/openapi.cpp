#include "app/http/openapi.hpp"

#include "app/http/table.hpp"

#include <algorithm>
#include <boost/core/demangle.hpp>
#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11/algorithm.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace json = boost::json;
namespace describe = boost::describe;

template <class T>
using Members = describe::describe_members<T, describe::mod_public>;

json::object typed(std::string_view type) {
    json::object schema;
    schema["type"] = type;
    return schema;
}

/// The schemas that others refer to, by the names of their structs.
class Schemas {
public:
    template <class T>
    json::object of() {
        if constexpr (std::is_same_v<T, std::string>) return typed("string");
        else if constexpr (std::is_same_v<T, bool>) return typed("boolean");
        else if constexpr (std::is_integral_v<T>) return typed("integer");
        else if constexpr (std::is_floating_point_v<T>) return typed("number");
        else if constexpr (std::is_same_v<T, json::object>) return typed("object");
        else return compound(static_cast<T*>(nullptr));
    }

    /// The fields of a described struct, but for those that stand elsewhere.
    template <class T>
    json::object fields(const std::vector<std::string>& without = {}) {
        json::object properties;
        boost::mp11::mp_for_each<Members<T>>([&](auto member) {
            using Field = std::remove_cvref_t<decltype(std::declval<T>().*member.pointer)>;
            if (std::ranges::find(without, member.name) == without.end()) properties[member.name] = of<Field>();
        });
        auto schema = typed("object");
        schema["properties"] = std::move(properties);
        return schema;
    }

    json::object take() { return std::move(named_); }

private:
    template <class T>
    json::object compound(std::optional<T>*) {
        json::object schema = of<T>();
        if (schema.contains("type")) {
            schema["type"] = json::array{schema["type"], "null"};
            return schema;
        }
        json::object either;
        either["anyOf"] = json::array{std::move(schema), typed("null")};
        return either;
    }
    template <class T>
    json::object compound(std::vector<T>*) {
        auto schema = typed("array");
        schema["items"] = of<T>();
        return schema;
    }
    template <class T>
    json::object compound(std::map<std::string, T>*) {
        auto schema = typed("object");
        schema["additionalProperties"] = of<T>();
        return schema;
    }
    template <class T>
    json::object compound(T*) {
        auto name = boost::core::demangle(typeid(T).name());
        name = name.substr(name.rfind(':') + 1);
        if (!named_.contains(name)) {
            named_[name] = nullptr; // before its fields, which may be of its own kind
            named_[name] = fields<T>();
        }
        json::object schema;
        schema["$ref"] = "#/components/schemas/" + name;
        return schema;
    }

    json::object named_;
};

/// `id` of `/runs/{id}`.
std::vector<std::string> path_fields(std::string_view path) {
    std::vector<std::string> names;
    for (auto at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1))
        names.emplace_back(path.substr(at + 1, path.find('}', at) - at - 1));
    return names;
}

json::object parameter(std::string_view name, std::string_view place, json::object schema) {
    json::object made;
    made["name"] = name;
    made["in"] = place;
    if (place == "path") made["required"] = true;
    made["schema"] = std::move(schema);
    return made;
}

json::object content(std::string_view type, json::object schema) {
    json::object media;
    media["schema"] = std::move(schema);
    json::object made;
    made[type] = std::move(media);
    return made;
}

template <auto Member>
json::object operation(const Endpoint<Member>& endpoint, Schemas& schemas) {
    using Request = typename Endpoint<Member>::Request;
    const auto in_path = path_fields(endpoint.path);
    json::object made;
    made["summary"] = endpoint.summary;
    made["x-scope"] = to_string(endpoint.scope);
    made["x-touches"] = to_string(endpoint.touches);
    json::array parameters;
    for (const auto& name : in_path) parameters.push_back(parameter(name, "path", typed("string")));
    auto fields = schemas.fields<Request>(in_path);
    if (endpoint.method == HttpMethod::get) {
        for (const auto& [name, schema] : fields.at("properties").as_object()) parameters.push_back(parameter(name, "query", schema.as_object()));
    } else if (!fields.at("properties").as_object().empty()) {
        json::object body;
        body["content"] = content("application/json", std::move(fields));
        made["requestBody"] = std::move(body);
    }
    if (!parameters.empty()) made["parameters"] = std::move(parameters);
    json::object good;
    good["description"] = endpoint.summary;
    if constexpr (Endpoint<Member>::streams) good["content"] = content("text/event-stream", typed("string"));
    else good["content"] = content("application/json", schemas.of<typename Endpoint<Member>::Reply>());
    json::object problem;
    problem["$ref"] = "#/components/responses/Problem";
    json::object responses;
    responses["200"] = std::move(good);
    responses["default"] = std::move(problem);
    made["responses"] = std::move(responses);
    return made;
}

json::object problem_schema() {
    auto schema = typed("object");
    json::object properties;
    for (const char* name : {"type", "title", "detail", "code"}) properties[name] = typed("string");
    properties["status"] = typed("integer");
    schema["properties"] = std::move(properties);
    return schema;
}

} // namespace

json::object openapi_document() {
    json::object document, info, paths, components;
    document["openapi"] = "3.1.0";
    info["title"] = "Loom";
    info["version"] = LOOM_VERSION;
    document["info"] = std::move(info);
    Schemas schemas;
    const auto add = [&](const auto& endpoint) {
        auto& path = paths[std::string(api_root) + std::string(endpoint.path)];
        if (!path.is_object()) path = json::object();
        path.as_object()[endpoint.method == HttpMethod::get ? "get" : "post"] = operation(endpoint, schemas);
    };
    std::apply([&](const auto&... endpoint) { (add(endpoint), ...); }, endpoints);
    document["paths"] = std::move(paths);
    json::object problem, responses, scheme, schemes, security;
    problem["description"] = "what is wrong (RFC 9457)";
    problem["content"] = content("application/problem+json", problem_schema());
    responses["Problem"] = std::move(problem);
    scheme["type"] = "http";
    scheme["scheme"] = "bearer";
    schemes["token"] = std::move(scheme);
    components["schemas"] = schemas.take();
    components["responses"] = std::move(responses);
    components["securitySchemes"] = std::move(schemes);
    document["components"] = std::move(components);
    security["token"] = json::array();
    json::array securities;
    securities.push_back(std::move(security));
    document["security"] = std::move(securities);
    return document;
}

PlainRoute openapi_route() {
    auto answer = [](HttpRequest, Principal) -> awaitable<HttpResponse> {
        HttpResponse response{200, "application/json", json::serialize(openapi_document())};
        co_return response;
    };
    auto path = fmt::format("{}/openapi.json", api_root); // joined with + or += GCC 12 warns of bytes beyond it
    return {"GET", std::move(path), AccessScope::read, std::move(answer), Touches::nothing};
}

} // namespace loom
