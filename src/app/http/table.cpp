#include "app/http/table.hpp"

namespace loom {

std::string_view to_string(HttpMethod method) { return method == HttpMethod::get ? "GET" : "POST"; }

} // namespace loom
