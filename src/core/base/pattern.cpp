#include "core/base/pattern.hpp"

#include "core/base/limits.hpp"

#include <re2/re2.h>
#include <spdlog/fmt/fmt.h>

namespace loom {

Result<Pattern> Pattern::parse(const std::string& text) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(static_cast<std::int64_t>(limits::pattern_memory_bytes));
    Pattern pattern;
    pattern.text_ = text;
    auto compiled = std::make_shared<RE2>(text, options);
    if (!compiled->ok()) return usage_error(fmt::format("\"{}\" is no regular expression: {}", text, compiled->error()));
    pattern.compiled_ = std::move(compiled);
    return pattern;
}

bool Pattern::matches(std::string_view value) const {
    return compiled_ && RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *compiled_);
}

} // namespace loom
