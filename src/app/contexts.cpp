#include "app/contexts.hpp"

#include "app/files/secret_source.hpp"
#include "app/files/text_file.hpp"
#include "app/store/file.hpp"
#include "core/base/limits.hpp"
#include "core/base/near.hpp"
#include "core/config/reading.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace loom {
namespace {

struct ContextDraft {
    RemoteContext context;
    const std::string* home = nullptr;
};

template <std::string RemoteContext::*Member>
void read_file_of(const YamlNode& node, ContextDraft& draft, Faults& faults) {
    std::string path;
    if (read_text(node, path, faults)) draft.context.*Member = resolve_path(path, node.mark, *draft.home);
}

constexpr Field<ContextDraft> context_fields[] = {
    {"server",
     [](const YamlNode& node, ContextDraft& draft, Faults& faults) {
         if (!read_text(node, draft.context.server, faults)) return;
         if (const auto server = parse_server(draft.context.server); !server) faults.push_back({node.mark, server.error().message});
     }},
    {"token_file", read_file_of<&RemoteContext::token_file>},
    {"token_command", [](const YamlNode& node, ContextDraft& draft,
                         Faults& faults) { read_texts(node, draft.context.token_command, faults); }},
    {"ca_file", read_file_of<&RemoteContext::ca_file>},
    {"fingerprint",
     [](const YamlNode& node, ContextDraft& draft, Faults& faults) {
         if (!read_text(node, draft.context.fingerprint, faults)) return;
         if (!parse_pin(draft.context.fingerprint)) faults.push_back({node.mark, "expected sha256: and 64 hexadecimal digits"});
     }},
    {"certificate", read_file_of<&RemoteContext::certificate>},
    {"key", read_file_of<&RemoteContext::key>},
};

struct ContextsDraft {
    Contexts contexts;
    const YamlNode* current = nullptr;
    const std::string* home = nullptr;
};

void read_all(const YamlNode& node, ContextsDraft& draft, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        ContextDraft one;
        one.home = draft.home;
        const auto before = faults.size();
        read_map<ContextDraft>(*value, context_fields, one, faults);
        if (faults.size() == before && one.context.server.empty()) faults.push_back({key->mark, "missing key \"server\""});
        name_faults(faults, before, key->text);
        draft.contexts.all[std::string(key->text)] = std::move(one.context);
    }
}

constexpr Field<ContextsDraft> contexts_fields[] = {
    {"current",
     [](const YamlNode& node, ContextsDraft& draft, Faults& faults) {
         if (node.kind != YamlNode::Kind::null && read_text(node, draft.contexts.current, faults)) draft.current = &node;
     }},
    {"contexts", read_all},
};

std::vector<std::string> names_of(const Contexts& contexts) {
    std::vector<std::string> names;
    for (const auto& [name, context] : contexts.all) names.push_back(name);
    return names;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

Result<Secret> token_of(const RemoteContext& context) {
    boost::json::object source;
    if (!environment("LOOM_TOKEN").empty()) source["env"] = "LOOM_TOKEN";
    else if (const auto file = environment("LOOM_TOKEN_FILE"); !file.empty()) source["file"] = file;
    else if (!context.token_file.empty()) source["file"] = context.token_file;
    else if (!context.token_command.empty())
        source["command"] = boost::json::array(context.token_command.begin(), context.token_command.end());
    else return Secret();
    auto token = read_secret(source);
    if (!token) return Error{Errc::config, "the token: " + token.error().message};
    const auto& text = token->reveal();
    const bool plain = !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    if (!plain) return Error{Errc::config, "the token: expected one word of plain characters"};
    return token;
}

Result<ServerAddress> server_of(const RemoteContext& context) {
    auto server = parse_server(context.server);
    if (!server || !server->remote()) return server;
    auto token = token_of(context);
    if (!token) return token.error();
    server->token = std::move(*token);
    auto& trust = server->trust;
    trust.ca_file = context.ca_file.empty() ? environment("LOOM_CA_FILE") : context.ca_file;
    const auto pin = context.fingerprint.empty() ? environment("LOOM_FINGERPRINT") : context.fingerprint;
    if (!pin.empty()) {
        const auto digits = parse_pin(pin);
        if (!digits) return usage_error("LOOM_FINGERPRINT: expected sha256: and 64 hexadecimal digits");
        trust.pin = *digits;
    }
    trust.certificate = context.certificate;
    trust.key = context.key;
    if (server->kind != ServerAddress::Kind::https) return server;
    auto tls = client_tls(trust);
    if (!tls) return tls.error();
    server->tls = std::move(*tls);
    return server;
}

} // namespace

Result<Contexts> parse_contexts(const std::string& path, std::string_view text, const std::string& home) {
    const SourceText source{path, path, text};
    Faults faults;
    ContextsDraft draft;
    draft.home = &home;
    const auto document = parse_yaml(source);
    if (!document) faults.push_back(document.error());
    else read_map<ContextsDraft>(document->root(), contexts_fields, draft, faults);
    const auto& contexts = draft.contexts;
    if (faults.empty() && draft.current && !contexts.all.contains(contexts.current))
        faults.push_back({draft.current->mark, fmt::format("there is no context \"{}\"{}", contexts.current, did_you_mean(contexts.current, names_of(contexts)))});
    if (!faults.empty()) return to_error(faults);
    return std::move(draft.contexts);
}

Result<Contexts> read_contexts(const std::string& path, const std::string& home) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec) && !ec) return Contexts();
    const auto file = read_text_file(path, limits::config_file_bytes);
    if (!file) return file.error();
    return parse_contexts(path, file->text, home);
}

Result<void> write_contexts(const std::string& path, const Contexts& contexts) {
    // JSON is YAML, and quotes whatever a name or a path may hold.
    const auto quoted = [](const auto& value) { return boost::json::serialize(boost::json::value_from(value)); };
    std::string text = "# Written by `loom context`.\n";
    if (!contexts.current.empty()) text += "current: " + quoted(contexts.current) + "\n";
    text += contexts.all.empty() ? "contexts: {}\n" : "contexts:\n";
    for (const auto& [name, context] : contexts.all) {
        text += "  " + quoted(name) + ":\n";
        const auto line = [&](const char* key, const std::string& value) {
            if (!value.empty()) text += fmt::format("    {}: {}\n", key, quoted(value));
        };
        line("server", context.server);
        line("token_file", context.token_file);
        if (!context.token_command.empty()) text += "    token_command: " + quoted(context.token_command) + "\n";
        line("ca_file", context.ca_file);
        line("fingerprint", context.fingerprint);
        line("certificate", context.certificate);
        line("key", context.key);
    }
    std::error_code ec;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ec);
    if (ec) return Error{Errc::unavailable, path + ": cannot make its folder: " + ec.message()};
    const auto fresh = path + ".new";
    const auto file = File::open(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return file.error();
    if (auto written = file->write_at(0, text); !written) return written.error();
    if (auto synced = file->sync(); !synced) return synced.error();
    std::filesystem::rename(fresh, path, ec);
    if (ec) return Error{Errc::unavailable, path + ": cannot be replaced: " + ec.message()};
    return {};
}

Result<std::optional<ServerAddress>> choose_server(const ServerChoice& choice, const std::string& contexts_file, const std::string& home) {
    RemoteContext context;
    context.server = choice.server;
    auto named = choice.context;
    if (context.server.empty() && named.empty()) {
        if (!choice.config.empty()) return std::optional<ServerAddress>();
        context.server = environment("LOOM_SERVER");
    }
    if (context.server.empty()) {
        if (named == "local") return std::optional<ServerAddress>();
        const auto contexts = read_contexts(contexts_file, home);
        if (!contexts) return contexts.error();
        if (named.empty()) named = contexts->current;
        if (named.empty()) return std::optional<ServerAddress>();
        const auto found = contexts->all.find(named);
        if (found == contexts->all.end())
            return not_found(fmt::format("there is no context \"{}\"{}", named, did_you_mean(named, names_of(*contexts))));
        context = found->second;
    }
    auto server = server_of(context);
    if (!server) return server.error();
    return std::optional<ServerAddress>(std::move(*server));
}

} // namespace loom
