#include "app/http/table.hpp"

namespace loom {

std::string_view to_string(HttpMethod method) { return method == HttpMethod::get ? "GET" : "POST"; }

std::string_view to_string(Touches touches) {
    constexpr std::string_view words[] = {"nothing", "some", "job", "run", "node", "work", "everything"};
    return words[static_cast<std::size_t>(touches)];
}

} // namespace loom
