#include "core/config/inventory.hpp"

#include "core/base/limits.hpp"
#include "core/config/become_fields.hpp"
#include "core/config/job_fields.hpp"
#include "core/config/reading.hpp"

#include <spdlog/fmt/fmt.h>
#include <unordered_map>

namespace loom {
namespace {

/// One entry of the nodes file: what it says of each node that its key names.
struct NodeDraft {
    Node node;
    const ConfigTexts* texts = nullptr;
    std::optional<MarkedText> ip;
    std::optional<Mark> plain_password; ///< or passphrase
};

bool is_expression(std::string_view text) { return text.find_first_of("[]{},!&^@() \t") != std::string_view::npos; }

void read_ip(const YamlNode& node, NodeDraft& draft, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return;
    if (text.empty() || text.find_first_of(" \t\n/") != std::string::npos) {
        faults.push_back({node.mark, fmt::format("expected an address or a host name, not {}", describe(node))});
        return;
    }
    draft.ip = MarkedText{std::move(text), node.mark};
}

template <Secret Node::*member>
void read_secret(const YamlNode& node, NodeDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) return;
    if (node.kind == YamlNode::Kind::scalar) {
        draft.node.*member = Secret(std::string(node.text));
        draft.plain_password = node.mark;
        return;
    }
    const auto source = secret_source(node, draft.texts->home, faults);
    if (!source) return;
    if (!draft.texts->read_secret) {
        faults.push_back({node.mark, "secrets cannot be read here"});
        return;
    }
    auto secret = draft.texts->read_secret(*source);
    if (!secret)
        faults.push_back({node.mark, secret.error().message});
    else
        draft.node.*member = std::move(*secret);
}

void read_identity(const YamlNode& node, NodeDraft& draft, Faults& faults) {
    std::string path;
    if (node.kind == YamlNode::Kind::null || !read_text(node, path, faults)) return;
    // The public half is what people have at hand; the key beside it is what logs in.
    if (path.ends_with(".pub")) path.resize(path.size() - 4);
    if (!path.empty()) draft.node.identity = resolve_path(path, node.mark, draft.texts->home);
}

void read_groups(const YamlNode& node, NodeDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null || !read_texts(node, draft.node.groups, faults)) return;
    for (const auto& group : draft.node.groups)
        if (!plain_name(group))
            faults.push_back(
                {node.mark, fmt::format("\"{}\" cannot name a group: use letters, digits, '.', '_' and '-'", group)});
}

void read_labels(const YamlNode& node, NodeDraft& draft, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        std::string text;
        if (read_text(*value, text, faults)) draft.node.labels[std::string(key->text)] = std::move(text);
    }
}

void read_user(const YamlNode& node, NodeDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null || !read_text(node, draft.node.user, faults)) return;
    if (draft.node.user.find_first_of(" \t\n") != std::string::npos)
        faults.push_back({node.mark, fmt::format("expected a user's name, not {}", describe(node))});
}

/// How to become another user here. Whether to, a job says: a node does not run everything as root unasked.
void read_become(const YamlNode& node, NodeDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) return;
    if (node.kind == YamlNode::Kind::scalar) {
        faults.push_back({node.mark, fmt::format("expected {{user: NAME, password: SECRET}}, not {}: whether a command "
                                                 "becomes another user is said by its job",
                                                 kind_of(node))});
        return;
    }
    BecomeDraft read;
    read.home = draft.texts->home;
    const auto before = faults.size();
    read_become_map(node, read, faults);
    if (faults.size() == before) resolve_become(read, draft.texts->read_secret, faults);
    if (read.password && !read.password_source) draft.plain_password = read.password;
    draft.node.become = std::move(read.become);
}

constexpr Field<NodeDraft> node_fields[] = {
    {"ip", read_ip},
    {"user", read_user},
    {"password", read_secret<&Node::password>},
    {"passphrase", read_secret<&Node::passphrase>},
    {"identity", read_identity},
    {"port",
     [](const YamlNode& node, NodeDraft& draft, Faults& faults) {
         long port = 0;
         if (read_integer(node, 1, 65535, port, faults)) draft.node.port = static_cast<unsigned short>(port);
     }},
    {"labels", read_labels},
    {"groups", read_groups},
    {"vars",
     [](const YamlNode& node, NodeDraft& draft, Faults& faults) {
         if (node.kind != YamlNode::Kind::map && node.kind != YamlNode::Kind::null)
             faults.push_back({node.mark, "expected a map, not " + kind_of(node)});
         else if (node.kind == YamlNode::Kind::map)
             draft.node.vars = to_json(node, faults).as_object();
     }},
    {"jump", [](const YamlNode& node, NodeDraft& draft,
                 Faults& faults) { read_text(node, draft.node.jump, faults); }},
    {"become", read_become},
};

std::vector<std::string> names_of(const YamlNode& key, Faults& faults) {
    if (!is_expression(key.text)) return {std::string(key.text)};
    auto names = expand_nodeset(key.text);
    if (names) return std::move(*names);
    faults.push_back({key.mark, names.error().message});
    return {};
}

/// The addresses of the entry's nodes, one each; empty when every node is found by its name.
std::vector<std::string> addresses_of(const NodeDraft& draft, std::size_t names, Faults& faults) {
    if (!draft.ip) return {};
    if (names == 1 && draft.ip->text.find_first_of("[,") == std::string::npos) return {draft.ip->text};
    const auto addresses = expand_nodeset(draft.ip->text);
    if (!addresses)
        faults.push_back({draft.ip->mark, "ip: " + addresses.error().message});
    else if (addresses->size() != names)
        faults.push_back(
            {draft.ip->mark,
             fmt::format("ip: {} nodes need {} addresses, such as 10.0.0.[1-{}]; here {}", names, names, names,
                         addresses->size() == 1 ? "is one" : fmt::format("are {}", addresses->size()))});
    else
        return *addresses;
    return {};
}

class InventoryReader {
public:
    InventoryReader(const ConfigTexts& texts, Faults& faults) : texts_(texts), faults_(faults) {}

    void reserve(std::size_t entries) {
        nodes_.reserve(entries);
        marks_.reserve(entries);
    }

    void read(const YamlNode::Entry& entry) {
        NodeDraft draft;
        draft.texts = &texts_;
        const auto before = faults_.size();
        read_map<NodeDraft>(*entry.value, node_fields, draft, faults_);
        name_faults(faults_, before, entry.key->text);
        warn_of_password(draft);
        const auto names = names_of(*entry.key, faults_);
        const auto addresses = addresses_of(draft, names.size(), faults_);
        const auto place = fmt::format("{}:{}", entry.key->mark.source->shown, entry.key->mark.line);
        for (std::size_t i = 0; i < names.size(); ++i) {
            auto& node =
                i + 1 < names.size() ? nodes_.emplace_back(draft.node) : nodes_.emplace_back(std::move(draft.node));
            node.name = names[i];
            node.place = place;
            node.address = addresses.empty() ? names[i] : addresses[i];
            check_name(node.name, entry.key->mark);
            if (nodes_.size() > limits::nodeset_nodes) {
                faults_.push_back({entry.key->mark, fmt::format("more than {} nodes", limits::nodeset_nodes)});
                return;
            }
        }
    }

    Inventory finish() {
        const auto less = [](const Node& a, const Node& b) { return natural_less(a.name, b.name); };
        if (!std::is_sorted(nodes_.begin(), nodes_.end(), less)) std::sort(nodes_.begin(), nodes_.end(), less);
        return {std::move(nodes_), std::move(warnings_)};
    }

private:
    void check_name(const std::string& name, const Mark& mark) {
        if (!plain_name(name))
            faults_.push_back(
                {mark, fmt::format("\"{}\" is not a host name: use letters, digits, '.', '_', '-' and ':'", name)});
        const auto [at, fresh] = marks_.emplace(name, mark);
        if (!fresh)
            faults_.push_back({mark, fmt::format("node \"{}\" is already defined at {}", name, to_string(at->second))});
    }

    /// Once a file: ten thousand equal warnings help nobody.
    void warn_of_password(const NodeDraft& draft) {
        if (!draft.plain_password || !texts_.nodes->others_can_read || !warnings_.empty()) return;
        warnings_.push_back(
            {Problem::Kind::warning, "", to_string(*draft.plain_password),
             fmt::format("a password in a file that others can read: chmod 600 {}", texts_.nodes->path)});
    }

    const ConfigTexts& texts_;
    Faults& faults_;
    std::vector<Node> nodes_;
    std::vector<Problem> warnings_;
    std::unordered_map<std::string, Mark> marks_;
};

} // namespace

Inventory read_inventory(const SourceText& source, const ConfigTexts& texts, Faults& faults) {
    const auto document = parse_yaml(source);
    if (!document) {
        faults.push_back(document.error());
        return {};
    }
    InventoryReader reader(texts, faults);
    const auto entries = map_entries(document->root(), faults);
    reader.reserve(entries.size());
    for (const auto& entry : entries) reader.read(entry);
    return reader.finish();
}

} // namespace loom
