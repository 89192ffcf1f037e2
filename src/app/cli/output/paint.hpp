#pragma once
#include <string>
#include <string_view>

namespace loom {

enum class Colour : unsigned char { none, red, green, yellow, dim, bold };

/// Wraps text in a colour, or not at all. The text must have gone through the terminal filter.
class Paint {
public:
    explicit Paint(bool on) : on_(on) {}
    bool on() const { return on_; }

    std::string operator()(Colour colour, std::string_view text) const {
        if (!on_ || colour == Colour::none || text.empty()) return std::string(text);
        return std::string(start(colour)).append(text).append("\x1b[0m");
    }

private:
    static constexpr std::string_view start(Colour colour) {
        switch (colour) {
        case Colour::red: return "\x1b[31m";
        case Colour::green: return "\x1b[32m";
        case Colour::yellow: return "\x1b[33m";
        case Colour::dim: return "\x1b[2m";
        case Colour::bold: return "\x1b[1m";
        case Colour::none: break;
        }
        return "";
    }
    bool on_;
};

/// How a node's or a run's state is coloured: green went well, red did not, yellow was not tried or was ended.
Colour state_colour(std::string_view state);

} // namespace loom
