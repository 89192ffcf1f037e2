#pragma once
#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <string>

namespace loom {

/// What a caller can do about a failure. The values are the process's exit codes.
enum class Errc {
    failed = 1,      ///< the work itself failed
    usage = 2,       ///< the request is malformed
    unavailable = 3, ///< no daemon, no connection, or an I/O failure
    denied = 4,
    not_found = 5,
    config = 6, ///< the configuration is invalid
    conflict = 7,
    interrupted = 130, ///< a person ended it with Ctrl-C
};

/// An expected failure: a code to act on, and words for a person.
struct Error {
    Errc code = Errc::failed;
    std::string message;

    friend bool operator==(const Error&, const Error&) = default;
};

/// A value or the Error that took its place. `value()` on an error throws std::runtime_error: a bug in the caller.
template <class T>
using Result = boost::system::result<T, Error>;

[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

inline Error usage_error(std::string message) { return {Errc::usage, std::move(message)}; }
inline Error not_found(std::string message) { return {Errc::not_found, std::move(message)}; }

} // namespace loom
