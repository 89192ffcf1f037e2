#include "app/http/origin.hpp"

#include <algorithm>

namespace loom {
namespace {

std::string lower(std::string_view text) {
    std::string made(text);
    std::transform(made.begin(), made.end(), made.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return made;
}

} // namespace

std::string host_name(std::string_view field) {
    if (field.starts_with('[')) return lower(field.substr(1, field.find(']') - 1));
    return lower(field.substr(0, field.find(':')));
}

bool answers_to(const HostRule& rule, std::string_view host_field) {
    return rule.any || std::ranges::find(rule.names, host_name(host_field)) != rule.names.end();
}

bool same_origin(std::string_view origin, std::string_view host_field) {
    for (const std::string_view scheme : {"https://", "http://"})
        if (origin.starts_with(scheme)) return lower(origin.substr(scheme.size())) == lower(host_field);
    return false;
}

} // namespace loom
