#include "app/files/log_siblings.hpp"

#include <algorithm>
#include <ctime>
#include <vector>

namespace loom {
namespace {

constexpr std::string_view stamp_shape = "00000000T000000Z";

/// Digits stand for digits, hexadecimal ones too: ids and instants are made of them.
bool alike(char a, char b) {
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return a == b || (hex(a) && hex(b));
}

bool is_stamp(std::string_view text) {
    return text.size() == stamp_shape.size() && std::equal(text.begin(), text.end(), stamp_shape.begin(), [](char c, char shape) {
               return shape == '0' ? c >= '0' && c <= '9' : c == shape;
           });
}

/// Which bytes of the name belong to the run's id or instant.
std::vector<bool> of_the_run(std::string_view name, std::string_view run, std::string_view due) {
    std::vector<bool> inside(name.size());
    for (const auto word : {run, due})
        for (auto at = word.empty() ? name.npos : name.find(word); at != name.npos; at = name.find(word, at + word.size()))
            std::fill_n(inside.begin() + static_cast<std::ptrdiff_t>(at), word.size(), true);
    return inside;
}

} // namespace

std::string rotated_name(std::string_view name, std::int64_t unix_seconds) {
    const std::time_t at = unix_seconds;
    std::tm parts{};
    ::gmtime_r(&at, &parts);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
    return std::string(name) + "." + stamp;
}

bool is_older_file(std::string_view other, std::string_view name, std::string_view run, std::string_view due) {
    if (other == name) return false;
    if (const auto dot = other.rfind('.'); dot != other.npos && is_stamp(other.substr(dot + 1))) other = other.substr(0, dot);
    if (other.size() != name.size()) return false;
    const auto inside = of_the_run(name, run, due);
    for (std::size_t i = 0; i < name.size(); ++i)
        if (inside[i] ? !alike(name[i], other[i]) : name[i] != other[i]) return false;
    return true;
}

} // namespace loom
