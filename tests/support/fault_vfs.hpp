#pragma once
#include <cstddef>
#include <functional>
#include <memory>

namespace loom::tests {

/// SQLite's own files, some of whose calls fail. While the object lives every database that this process opens goes
/// through it. One thread.
class FaultVfs {
public:
    enum class Kind {
        error, ///< an I/O error, of any call that can have one
        full,  ///< no space is left: of calls that write
        busy,  ///< somebody else holds a lock: of calls that take one
    };
    FaultVfs();
    FaultVfs(const FaultVfs&) = delete;
    ~FaultVfs();

    /// From now on the calls that `kind` can befall are counted, and those numbered `first` to `last` (from 1 on) fail.
    void fail(Kind kind, std::size_t first, std::size_t last);
    /// Nothing fails any more. Returns whether anything has since `fail`.
    bool heal();
    /// Called before each call that changes something, as a process sees it that dies there.
    std::function<void()> before_change;

private:
    struct Files;
    std::unique_ptr<Files> files_;
};

} // namespace loom::tests
