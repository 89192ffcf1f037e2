#pragma once
#include "core/base/duration.hpp"
#include "core/base/error.hpp"
#include "core/model/job.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// What a parameter of a task takes. Each kind has one word that people read (`word_of`).
enum class ParameterKind : std::uint8_t {
    text,
    name,     ///< one word that no program takes for an option: a user, a package, a unit
    names,    ///< a list of those; a single one stands for itself
    path,     ///< on the node
    local,    ///< on Loom's own host: from / or ~/
    locals,   ///< a list of those, or one
    paths,    ///< on the node: a list, or one
    // From here on a value has a form of its own, which a placeholder does not have.
    number,
    flag,
    mode,     ///< permissions, octal
    duration,
    choice,
};

std::string_view word_of(ParameterKind kind);

/// One parameter of a task: what is read, checked, completed, listed and documented is this.
struct Parameter {
    std::string_view name;
    ParameterKind kind = ParameterKind::text;
    std::string_view about;      ///< one sentence, without its full stop
    std::string_view value = ""; ///< where it is left out: shown, and read like any other; empty: there is none
    bool required = false;
    std::vector<std::string_view> choices = {};
};

/// A task that is built in: its documented side.
struct TaskInfo {
    std::string_view name;
    std::string_view summary; ///< one sentence
    std::vector<Parameter> parameters; ///< in the order in which `args` gives them
    std::string_view example; ///< of `kwargs` or `args`, as a line of a job
    bool checks = true;       ///< it knows `--check`
    std::string_view notes = ""; ///< more sentences, for who asks
};

/// The arguments of one application of a task, each good for its parameter. Those whose placeholders are still to be filled
/// in are counted as given, and have no value yet.
class Arguments {
public:
    bool has(std::string_view name) const { return values_.contains(name); }
    /// Empty where it is not given.
    const std::string& text(std::string_view name) const;
    std::vector<std::string> texts(std::string_view name) const;
    long number(std::string_view name) const; ///< 0 where it is not given
    bool flag(std::string_view name) const;
    Milliseconds duration(std::string_view name) const;
    unsigned mode(std::string_view name) const; ///< `has` says whether there is one

    /// `value` by the parameter's kind. Errc::config says what was expected.
    Result<void> set(const Parameter& parameter, const boost::json::value& value);

private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_; ///< in one spelling for each kind
};

/// The arguments of a task by its parameters: `args` in their order, `kwargs` by their names. Where all of `args` are maps,
/// each is one application, and `kwargs` goes with each. Errc::config names the task, the parameter and the near name.
Result<std::vector<Arguments>> read_arguments(const TaskInfo& task, const TaskSpec& spec);

} // namespace loom
