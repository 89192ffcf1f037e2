#pragma once
#include "app/cli/completion/candidates.hpp"
#include "app/cli/context.hpp"

#include <optional>

namespace loom {

/// Asks the service, through the door that every command goes through, for `jobs`, `runs`, or `nodes` with their groups and
/// labels (see `Lists`). Whatever fails gives an empty list.
Candidates ask_for_list(CommandContext& context, std::string_view list);

/// Lists that were asked for lately, a file each in a folder of mode 0700. Blocks.
class KeptLists {
public:
    /// `folder` is made where it is missing; `whose` tells one configuration, server or user from another.
    KeptLists(std::string folder, std::string whose) : folder_(std::move(folder)), whose_(std::move(whose)) {}

    /// What is younger than `age`; nothing where there is none.
    std::optional<Candidates> younger_than(std::string_view list, std::chrono::seconds age) const;
    /// Keeps a list, and takes away what is older than a day. A folder that cannot be written is no error.
    void keep(std::string_view list, const Candidates& candidates) const;

private:
    std::string path(std::string_view list) const;
    std::string folder_, whose_;
};

} // namespace loom
