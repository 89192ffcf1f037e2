#include "core/config/become_fields.hpp"

#include <boost/json/array.hpp>

namespace loom {
namespace {

void read_user(const YamlNode& node, BecomeDraft& draft, Faults& faults) {
    auto& user = draft.become.user;
    if (node.kind == YamlNode::Kind::null || !read_text(node, user, faults)) return;
    // Quoted, any name is safe in the command text; but sudo reads #0 as an id and a leading dash as an option.
    if (user.empty() || user.find_first_of(" \t\n#") != std::string::npos || user[0] == '-' ||
        user.find('\0') != std::string::npos)
        faults.push_back({node.mark, "expected a user's name, not " + describe(node)});
}

void read_password(const YamlNode& node, BecomeDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) return;
    draft.password = node.mark;
    if (node.kind != YamlNode::Kind::scalar) {
        draft.password_source = secret_source(node, draft.home, faults);
    } else if (node.text.find_first_of(std::string_view("\n\0", 2)) != std::string_view::npos) {
        faults.push_back({node.mark, "a password for sudo is one line"});
    } else {
        draft.become.password = Secret(std::string(node.text));
    }
}

enum class Method { sudo };
constexpr Choice<Method> method_choices[] = {{"sudo", Method::sudo}, {"su", {}}};

constexpr Field<BecomeDraft> become_fields[] = {
    {"user", read_user},
    {"password", read_password},
    {"method",
     [](const YamlNode& node, BecomeDraft&, Faults& faults) {
         Method method{};
         read_choice<Method>(node, method_choices, method, faults);
     }},
};

} // namespace

std::optional<boost::json::object> secret_source(const YamlNode& node, const std::string& home, Faults& faults) {
    constexpr std::string_view forms = "expected text, {file: PATH}, {env: NAME} or {command: [PROGRAM, ARGUMENT…]}";
    if (node.kind == YamlNode::Kind::sequence) {
        auto message = std::string(forms);
        message += ", not a list";
        faults.push_back({node.mark, std::move(message)});
        return std::nullopt;
    }
    const auto before = faults.size();
    boost::json::object source;
    for (const auto& [key, value] : map_entries(node, faults)) {
        std::string text;
        std::vector<std::string> words;
        if (key->text == "file" && read_text(*value, text, faults))
            source["file"] = resolve_path(text, value->mark, home);
        else if (key->text == "env" && read_text(*value, text, faults))
            source["env"] = text;
        else if (key->text == "command" && value->kind == YamlNode::Kind::sequence && !value->items.empty() &&
                 read_texts(*value, words, faults))
            source["command"] = boost::json::array(words.begin(), words.end());
    }
    if (faults.size() == before && source.size() == 1 && node.entries.size() == 1) return source;
    if (faults.size() == before) faults.push_back({node.mark, std::string(forms)});
    return std::nullopt;
}

void read_become_map(const YamlNode& node, BecomeDraft& draft, Faults& faults) {
    if (node.kind != YamlNode::Kind::map)
        faults.push_back({node.mark, "expected {user: NAME, password: SECRET}, not " + kind_of(node)});
    else
        read_map<BecomeDraft>(node, become_fields, draft, faults);
}

void resolve_become(BecomeDraft& draft, const std::function<Result<Secret>(const boost::json::object&)>& read_secret,
                    Faults& faults) {
    if (!draft.password_source) return;
    auto secret = read_secret ? read_secret(*draft.password_source)
                              : Result<Secret>(Error{Errc::config, "secrets cannot be read here"});
    if (!secret)
        faults.push_back({*draft.password, "become: password: " + secret.error().message});
    else if (secret->reveal().find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
        faults.push_back({*draft.password, "become: password: a password for sudo is one line"});
    else
        draft.become.password = std::move(*secret);
}

} // namespace loom
