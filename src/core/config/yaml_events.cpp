#include "core/base/limits.hpp"
#include "core/base/utf8.hpp"
#include "core/config/yaml.hpp"

#include <algorithm>
#include <optional>
#include <spdlog/fmt/fmt.h>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace loom {
namespace {

/// Several texts as one stream, with the line at which each begins.
struct Joined {
    std::string text;
    std::vector<std::pair<std::size_t, const SourceText*>> starts;

    Mark mark(const YAML::Mark& at) const {
        const auto line = at.is_null() ? 0 : static_cast<std::size_t>(at.line);
        std::size_t i = starts.size() - 1;
        while (i > 0 && starts[i].first > line) --i;
        return {starts[i].second, static_cast<std::uint32_t>(line - starts[i].first + 1),
                at.is_null() ? 1 : static_cast<std::uint32_t>(at.column + 1)};
    }
};

/// Ends the parse from inside an event: the library's interface has no other way out. Caught in parse_yaml.
struct Stop {
    Fault fault;
};

/// 0 when the bytes are not UTF-8.
std::size_t multibyte_length(std::string_view text) {
    const auto character = decode_utf8(text);
    return character.valid ? character.bytes : 0;
}

/// Refuses what YAML 1.2 (5.1) does not allow. The library would take a byte 4 for the end of the file.
std::optional<Fault> check_bytes(const SourceText& source, std::string_view text) {
    std::uint32_t line = 1;
    std::size_t line_begin = 0;
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto length = byte < 0x80 ? 1 : multibyte_length(text.substr(i));
        const Mark here{&source, line, static_cast<std::uint32_t>(i - line_begin + 1)};
        if (length == 0) return Fault{here, fmt::format("byte 0x{:02x} is not UTF-8", byte)};
        const bool line_end = byte == '\n' || (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
        if ((byte < 0x20 && byte != '\t' && !line_end) || byte == 0x7f)
            return Fault{here, fmt::format("control character 0x{:02x}", byte)};
        i += length;
        if (byte == '\n') {
            ++line;
            line_begin = i;
        }
    }
    return std::nullopt;
}

/// Whether the line divides documents or is a directive: both would keep an anchor from the text that follows.
std::size_t divider_length(std::string_view line) {
    if (line.starts_with("%YAML") || line.starts_with("%TAG")) return line.size();
    if (!line.starts_with("---") && !line.starts_with("...")) return 0;
    return line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r' ? 3 : 0;
}

void append_without_dividers(std::string& to, std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        const auto divider = divider_length(line);
        to.append(divider, ' ');
        to += line.substr(divider);
        to += '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::optional<Fault> join(std::span<const SourceText* const> sources, Joined& joined) {
    std::size_t line = 0;
    for (const auto* source : sources) {
        auto text = source->text;
        if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
        if (text.size() > limits::config_file_bytes)
            return Fault{{source, 1, 1}, fmt::format("larger than {} MiB", limits::config_file_bytes >> 20)};
        if (auto fault = check_bytes(*source, text)) return fault;
        joined.starts.emplace_back(line, source);
        const auto before = joined.text.size();
        append_without_dividers(joined.text, text);
        line += static_cast<std::size_t>(
            std::count(joined.text.begin() + static_cast<std::ptrdiff_t>(before), joined.text.end(), '\n'));
    }
    // yaml-cpp 0.7 takes a quoted scalar that is still open for complete when the text ends right after a line end.
    joined.text += '#';
    return std::nullopt;
}

/// What the library's words for a syntax error mean to somebody who writes a file, where that can be said.
constexpr std::pair<std::string_view, std::string_view> meanings[] = {
    {"end of sequence flow not found", "a list that begins with [ is not closed: expected \",\" or \"]\""},
    {"end of map flow not found", "a map that begins with { is not closed: expected \",\" or \"}\""},
    {"end of map not found", "expected a key of the map above, indented as its first one"},
    {"end of sequence not found", "expected \"- \" of the list above, indented as its first one"},
    {"illegal EOF in scalar", "the text ends within quotes: the closing one is missing"},
    {"illegal map value", "\": \" within a value begins another map: put the value in quotes"},
    {"alias not found after *", "* begins an alias: a text that begins with it stands in quotes"},
};

/// The name of the alias at the mark.
std::string_view alias_at(std::string_view line, const YAML::Mark& mark) {
    line.remove_prefix(std::min(line.size(), static_cast<std::size_t>(mark.column)));
    if (line.starts_with('*')) line.remove_prefix(1);
    return line.substr(0, line.find_first_of(" \t\r,[]{}"));
}

/// The library's words for a syntax error; a tab in the indentation is what they mostly hide.
std::string explain(const YAML::Exception& error, const Joined& joined) {
    std::istringstream lines(joined.text);
    std::string line;
    for (int i = 0; !error.mark.is_null() && i <= error.mark.line && std::getline(lines, line); ++i) {
    }
    const auto first = line.find_first_not_of(' ');
    if (first != std::string::npos && line[first] == '\t') return "a tab cannot indent YAML: use spaces";
    const std::string_view words = error.msg;
    if (words.starts_with("the referenced anchor is not defined"))
        return fmt::format("the alias *{0} has no anchor &{0} before it", alias_at(line, error.mark));
    for (const auto& [technical, meaning] : meanings)
        if (words == technical) return std::string(meaning);
    return error.msg;
}

} // namespace

/// Builds the tree from the library's events. Internal to parse_yaml.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(const Joined& joined, YamlDocument& document, Tags tags)
        : joined_(joined), document_(document), tags_(tags) {}

    void finish() {
        if (!document_.root_) document_.root_ = &make(YamlNode::Kind::null, YAML::Mark());
    }

private:
    /// What an anchor names. An alias to one that is still open is a cycle.
    struct Anchor {
        const YamlNode* node = nullptr;
        std::size_t reached = 0; ///< values in it, those through aliases included
        std::size_t height = 0;
    };
    struct Open {
        YamlNode* node;
        YAML::anchor_t anchor;
        std::size_t first; ///< of its children in children_
        std::size_t reached = 1;
        std::size_t height = 1;
    };

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (document_.root_) stop(mark, "expected the end of the text: its first value is complete");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        close_leaf(make(YamlNode::Kind::null, mark), anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        auto& node = make(YamlNode::Kind::scalar, mark);
        node.plain = tag.empty() || (tag != "!" && tag != "!unsafe" && tag != "tag:yaml.org,2002:str");
        node.sealed = tag.starts_with("!vault");
        node.text = stored(value);
        check_tag(mark, tag);
        close_leaf(node, anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t id) override {
        const auto anchor = id < anchors_.size() ? anchors_[id] : Anchor{};
        if (!anchor.node) stop(mark, "this alias stands inside its own anchor: a cycle");
        through_aliases_ += anchor.reached;
        if (through_aliases_ > limits::yaml_nodes)
            stop(mark, fmt::format("aliases reach more than {} values", limits::yaml_nodes));
        if (open_.size() + anchor.height > limits::yaml_depth) stop_deep(mark);
        attach(*anchor.node, anchor.reached, anchor.height);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::sequence, mark, tag, anchor);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::map, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

    [[noreturn]] void stop(const YAML::Mark& mark, std::string message) const {
        throw Stop{{joined_.mark(mark), std::move(message)}};
    }
    [[noreturn]] void stop_deep(const YAML::Mark& mark) const {
        stop(mark, fmt::format("nested deeper than {} levels", limits::yaml_depth));
    }

    void check_tag(const YAML::Mark& mark, const std::string& tag) const {
        if (tag.empty() || tag == "?" || tag == "!") return;
        if (tags_ == Tags::ansible && (tag == "!vault" || tag == "!vault-encrypted" || tag == "!unsafe")) return;
        constexpr std::string_view core = "tag:yaml.org,2002:";
        if (tag.starts_with(core)) {
            const auto name = std::string_view(tag).substr(core.size());
            for (const std::string_view known : {"str", "int", "float", "bool", "null", "seq", "map", "merge"})
                if (name == known) return;
        }
        stop(mark, fmt::format("the tag {} is not understood", tag));
    }

    YamlNode& make(YamlNode::Kind kind, const YAML::Mark& mark) {
        if (++made_ > limits::yaml_values)
            stop(mark, fmt::format("more than {} values in one text", limits::yaml_values));
        auto& node = *std::pmr::polymorphic_allocator<>(document_.memory_.get()).new_object<YamlNode>();
        node.kind = kind;
        node.mark = joined_.mark(mark);
        return node;
    }

    template <class T>
    T* allocate(std::size_t count) {
        return static_cast<T*>(document_.memory_->allocate(count * sizeof(T), alignof(T)));
    }

    std::string_view stored(const std::string& text) {
        auto* copy = allocate<char>(text.size());
        text.copy(copy, text.size());
        return {copy, text.size()};
    }

    /// Moves the children of a container that is complete from the stack to their place.
    void store_children(YamlNode& node, std::size_t first) {
        const auto children = std::span(children_).subspan(first);
        if (node.kind == YamlNode::Kind::sequence) {
            auto* items = allocate<const YamlNode*>(children.size());
            std::uninitialized_copy(children.begin(), children.end(), items);
            node.items = {items, children.size()};
        } else {
            const auto count = children.size() / 2;
            auto* entries = allocate<YamlNode::Entry>(count);
            for (std::size_t i = 0; i < count; ++i)
                std::construct_at(entries + i, YamlNode::Entry{children[2 * i], children[2 * i + 1]});
            node.entries = {entries, count};
        }
        children_.resize(first);
    }

    void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (open_.size() >= limits::yaml_depth) stop_deep(mark);
        check_tag(mark, tag);
        open_.push_back({&make(kind, mark), anchor, children_.size()});
    }

    void close() {
        const auto done = open_.back();
        open_.pop_back();
        store_children(*done.node, done.first);
        remember(done.anchor, *done.node, done.reached, done.height);
        attach(*done.node, done.reached, done.height);
    }

    void close_leaf(YamlNode& node, YAML::anchor_t anchor) {
        remember(anchor, node, 1, 0);
        attach(node, 1, 0);
    }

    void remember(YAML::anchor_t id, const YamlNode& node, std::size_t reached, std::size_t height) {
        if (id == 0) return;
        if (anchors_.size() <= id) anchors_.resize(id + 1);
        anchors_[id] = {&node, reached, height};
    }

    void attach(const YamlNode& node, std::size_t reached, std::size_t height) {
        if (open_.empty()) {
            document_.root_ = &node;
            return;
        }
        auto& parent = open_.back();
        parent.reached += reached;
        parent.height = std::max(parent.height, height + 1);
        children_.push_back(&node);
    }

    const Joined& joined_;
    YamlDocument& document_;
    Tags tags_;
    std::vector<Open> open_;
    std::vector<const YamlNode*> children_; ///< of the open containers, outermost first; of a map key and value in turn
    std::vector<Anchor> anchors_;
    std::size_t made_ = 0;
    std::size_t through_aliases_ = 0;
};

boost::system::result<YamlDocument, Fault> parse_yaml(std::span<const SourceText* const> sources, Tags tags) {
    Joined joined;
    if (auto fault = join(sources, joined)) return std::move(*fault);
    YamlDocument document;
    TreeBuilder builder(joined, document, tags);
    try {
        std::istringstream in(joined.text);
        YAML::Parser parser(in);
        while (parser.HandleNextDocument(builder)) {
        }
        builder.finish();
    } catch (Stop& stop) {
        return std::move(stop.fault);
    } catch (const YAML::Exception& error) {
        return Fault{joined.mark(error.mark), explain(error, joined)};
    }
    return document;
}

} // namespace loom
