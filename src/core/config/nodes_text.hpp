#pragma once
#include "core/model/node.hpp"

#include <boost/json/object.hpp>

namespace loom {

/// The node as an entry of the nodes file says it, its password too; what is not said is left out.
boost::json::object node_entry(const Node& node);

/// A nodes file of these nodes, one JSON entry a line: reading it gives the same nodes. Holds their passwords.
std::string nodes_text(const std::vector<Node>& nodes);

/// The value as YAML for people: maps in lines, lists in brackets, text in quotes where it would be read as something
/// else. `value` is a map.
std::string to_yaml(const boost::json::object& value);

} // namespace loom
