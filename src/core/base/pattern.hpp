#pragma once
#include "core/base/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace loom {

/// A regular expression in RE2's syntax, which takes a time that is linear in the value's length whatever the value is: values may be
/// an attacker's. Copies share the compiled form. Any thread.
class Pattern {
public:
    /// Errc::usage with RE2's words.
    static Result<Pattern> parse(const std::string& text);

    /// Whether all of `value` matches.
    bool matches(std::string_view value) const;
    const std::string& text() const { return text_; }

private:
    std::string text_;
    std::shared_ptr<const re2::RE2> compiled_;
};

} // namespace loom
