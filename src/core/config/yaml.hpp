#pragma once
#include "core/base/error.hpp"

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// A text to read and the names it goes by. Marks point at it: it outlives the trees that were read from it.
struct SourceText {
    std::string path;  ///< absolute: relative paths within the text start at its folder
    std::string shown; ///< as errors name it
    std::string_view text;
};

/// A place in a text; line and column begin with 1.
struct Mark {
    const SourceText* source = nullptr;
    std::uint32_t line = 0, column = 0;
};

/// `jobs/web.yaml:12:5`
std::string to_string(const Mark& mark);

/// Something wrong with a text, and where.
struct Fault {
    Mark mark;
    std::string message;
};
using Faults = std::vector<Fault>;

[[noreturn]] void throw_exception_from_error(const Fault& fault, const boost::source_location& where);

/// An Errc::config error with a line `place: message` for each fault (the first twenty). `faults` is not empty.
Error to_error(const Faults& faults);

/// One value of a YAML text. Aliases share the node they name, so this is a graph without cycles.
struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, sequence, map };
    struct Entry {
        const YamlNode* key;
        const YamlNode* value;
    };

    Kind kind = Kind::null;
    bool plain = false; ///< a scalar without quotes and without !!str: may be a number or a flag
    bool sealed = false; ///< a scalar under Ansible's `!vault`: its text is not the value
    Mark mark;
    std::string_view text;                  ///< of a scalar
    std::span<const YamlNode* const> items; ///< of a sequence
    std::span<const Entry> entries;         ///< of a map, as written: with repeated keys and `<<`
};

/// Owns the nodes of one document, in blocks of memory that go all at once.
class YamlDocument {
public:
    /// Null for a text without any value.
    const YamlNode& root() const { return *root_; }

private:
    friend class TreeBuilder;
    std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_ =
        std::make_unique<std::pmr::monotonic_buffer_resource>();
    const YamlNode* root_ = nullptr;
};

/// Which tags are understood: those of the core schema, or Ansible's `!vault` and `!unsafe` too.
enum class Tags : std::uint8_t { core, ansible };

/// Reads the texts one after the other as ONE document, so that anchors of the first serve the next; marks name the
/// true text, line and column. Lines `---` and `...` divide nothing. Bounds: limits::yaml_*; a fault is a syntax
/// error, bytes that are no UTF-8, control characters, an alias cycle or a bound that was passed.
boost::system::result<YamlDocument, Fault> parse_yaml(std::span<const SourceText* const> sources, Tags tags = Tags::core);
boost::system::result<YamlDocument, Fault> parse_yaml(const SourceText& source, Tags tags = Tags::core);

} // namespace loom
