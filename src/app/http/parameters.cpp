#include "app/http/parameters.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/parse_query.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

namespace loom {
namespace {

namespace urls = boost::urls;

/// Cuts the first segment off a path that begins with `/`.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

bool placeholder(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

std::string field_of(std::string_view segment) { return std::string(segment.substr(1, segment.size() - 2)); }

std::optional<std::string> decoded(std::string_view text) {
    const auto view = urls::make_pct_string_view(text);
    if (!view) return std::nullopt;
    return view->decode();
}

std::string encoded(std::string_view text) { return urls::encode(text, urls::unreserved_chars); }

} // namespace

std::optional<Parameters> match_path(std::string_view pattern, std::string_view path) {
    Parameters parameters;
    while (pattern.starts_with('/') && path.starts_with('/')) {
        const auto wanted = take_segment(pattern);
        const auto segment = take_segment(path);
        if (!placeholder(wanted)) {
            if (wanted != segment) return std::nullopt;
            continue;
        }
        auto value = decoded(segment);
        if (!value || value->empty()) return std::nullopt;
        parameters[field_of(wanted)] = std::move(*value);
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return parameters;
}

std::string fill_path(std::string_view pattern, Parameters& parameters) {
    std::string path;
    while (pattern.starts_with('/')) {
        const auto segment = take_segment(pattern);
        path += '/';
        if (!placeholder(segment)) {
            path += segment;
            continue;
        }
        const auto field = parameters.find(field_of(segment));
        if (field == parameters.end()) continue;
        path += encoded(field->second);
        parameters.erase(field);
    }
    return path;
}

Result<Parameters> parse_query(std::string_view query) {
    Parameters parameters;
    if (query.empty()) return parameters;
    const auto parsed = urls::parse_query(query);
    if (!parsed) return usage_error("the query is malformed");
    for (const auto& parameter : *parsed) {
        auto name = parameter.key.decode();
        if (parameters.contains(name)) return usage_error("parameter \"" + name + "\" comes twice");
        parameters[std::move(name)] = parameter.value.decode();
    }
    return parameters;
}

std::string to_query(const Parameters& parameters) {
    std::string query;
    for (const auto& [name, value] : parameters) {
        if (!query.empty()) query += '&';
        query += encoded(name) + "=" + encoded(value);
    }
    return query;
}

} // namespace loom
