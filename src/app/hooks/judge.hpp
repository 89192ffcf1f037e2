#pragma once
#include "app/hooks/delivery.hpp"
#include "core/base/error.hpp"
#include "core/model/hook.hpp"
#include "core/run/hook_start.hpp"
#include "core/time/instant.hpp"

namespace loom {

/// What becomes of a delivery.
struct HookVerdict {
    enum class Kind : std::uint8_t {
        denied,   ///< it is not signed as the hook expects; which part of it is not told
        left_out, ///< the filter wants others
        refused,  ///< a parameter does not fit, or the payload cannot be read
        start,
    };
    Kind kind = Kind::denied;
    std::string why;
    HookStart start;
};

/// Pure: verifies, then reads, filters, and takes the parameters.
HookVerdict judge(const Hook& hook, const HookDelivery& delivery, Instant now);
/// The same of a delivery whose signature nobody looks at.
HookVerdict judge_verified(const Hook& hook, const HookDelivery& delivery);

/// A delivery as a person gives it to be tried: `NAME: VALUE` each header.
Result<HookDelivery> tried_delivery(const std::vector<std::string>& headers, std::string body);

/// The W3C traceparent, version 00, if it is one (Trace Context, 3.2.2).
bool is_traceparent(std::string_view text);

} // namespace loom
