#include "core/config/notify_fields.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using Kind = NotifyTarget::Kind;
using Tls = NotifyTarget::Tls;

void read_events(const YamlNode& node, NotifyDraft& draft, Faults& faults) {
    std::vector<std::string> words, known;
    if (!read_texts(node, words, faults)) return;
    for (std::size_t i = 0; i < notify_events; ++i) known.emplace_back(to_string(static_cast<NotifyEvent>(i)));
    draft.rule.on.clear();
    for (const auto& word : words) {
        const auto event = parse_notify_event(word);
        if (event) draft.rule.on.push_back(*event);
        else faults.push_back({node.mark, fmt::format("expected some of first_failure, still_failing, recovery, success, missed, overdue, not \"{}\"{}",
                                                      word, did_you_mean(word, known))});
    }
    if (words.empty()) faults.push_back({node.mark, "it names no event"});
}

void read_url(const YamlNode& node, NotifyDraft& draft, Faults& faults) { read_secret_draft(node, draft.home, draft.url.emplace(), faults); }

void read_secret_field(const YamlNode& node, NotifyDraft& draft, Faults& faults) {
    read_secret_draft(node, draft.home, draft.secret.emplace(), faults);
}

void read_private(const YamlNode& node, NotifyDraft& draft, Faults& faults) { read_flag(node, draft.rule.target.allow_private, faults); }

/// One line of printable text: it goes into a header.
bool read_line(const YamlNode& node, std::string& into, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return false;
    if (text.empty() || std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
        faults.push_back({node.mark, "expected one line of text"});
        return false;
    }
    into = std::move(text);
    return true;
}

bool is_mail_address(std::string_view text) {
    const auto at = text.find('@');
    if (at == 0 || at == std::string_view::npos || at + 1 == text.size() || text.find('@', at + 1) != std::string_view::npos) return false;
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '<' || c == '>' || c == ',' || c == '"'; });
}

bool read_address(const YamlNode& node, std::string& into, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return false;
    if (!is_mail_address(text)) {
        faults.push_back({node.mark, fmt::format("expected a mail address, such as ops@example.org, not \"{}\"", text)});
        return false;
    }
    into = std::move(text);
    return true;
}

/// `smtp.example.org`, `smtp.example.org:465`
void read_server(const YamlNode& node, NotifyDraft& draft, Faults& faults) {
    std::string text;
    if (!read_line(node, text, faults)) return;
    const auto colon = text.rfind(':');
    long port = draft.rule.target.port;
    if (colon != std::string::npos) {
        const auto digits = std::string_view(text).substr(colon + 1);
        port = 0;
        for (const char c : digits) port = c >= '0' && c <= '9' && port < 100'000 ? port * 10 + (c - '0') : 1'000'000;
    }
    if (port < 1 || port > 65535 || colon == 0) faults.push_back({node.mark, fmt::format("expected HOST or HOST:PORT, not \"{}\"", text)});
    draft.rule.target.server = text.substr(0, colon);
    draft.rule.target.port = static_cast<std::uint16_t>(port);
}

constexpr Choice<Tls> tls_choices[] = {{"starttls", Tls::starttls}, {"tls", Tls::tls}, {"none", Tls::none}};

constexpr Field<NotifyDraft> webhook_fields[] = {{"url", read_url}, {"secret", read_secret_field}, {"allow_private", read_private}};
constexpr Field<NotifyDraft> url_fields[] = {{"url", read_url}, {"allow_private", read_private}};
constexpr Field<NotifyDraft> ntfy_fields[] = {
    {"url", read_url},
    {"token", read_secret_field},
    {"priority", [](const YamlNode& node, NotifyDraft& draft, Faults& faults) { read_line(node, draft.rule.target.priority, faults); }},
    {"allow_private", read_private},
};
constexpr Field<NotifyDraft> email_fields[] = {
    {"server", read_server},
    {"tls", [](const YamlNode& node, NotifyDraft& draft, Faults& faults) { read_choice<Tls>(node, tls_choices, draft.rule.target.tls, faults); }},
    {"user", [](const YamlNode& node, NotifyDraft& draft, Faults& faults) { read_line(node, draft.rule.target.user, faults); }},
    {"password", read_secret_field},
    {"from", [](const YamlNode& node, NotifyDraft& draft, Faults& faults) { read_address(node, draft.rule.target.from, faults); }},
    {"to",
     [](const YamlNode& node, NotifyDraft& draft, Faults& faults) {
         draft.rule.target.to.clear();
         std::string address;
         if (node.kind == YamlNode::Kind::sequence) {
             for (const auto* item : node.items)
                 if (read_address(*item, address, faults)) draft.rule.target.to.push_back(address);
         } else if (read_address(node, address, faults)) {
             draft.rule.target.to.push_back(address);
         }
     }},
    {"allow_private", read_private},
};

void check_email(const NotifyTarget& target, bool password, const Mark& mark, Faults& faults) {
    if (target.server.empty()) faults.push_back({mark, "missing key \"server\""});
    if (target.from.empty()) faults.push_back({mark, "missing key \"from\""});
    if (target.to.empty()) faults.push_back({mark, "missing key \"to\""});
    if (password != !target.user.empty()) faults.push_back({mark, "\"user\" and \"password\" go together"});
    if (password && target.tls == Tls::none) faults.push_back({mark, "a password is not sent without TLS"});
}

template <Kind What>
void read_kind(const YamlNode& node, NotifyDraft& draft, Faults& faults) {
    ++draft.kinds;
    draft.rule.target.kind = What;
    if (node.kind != YamlNode::Kind::map) {
        faults.push_back({node.mark, fmt::format("expected {{{}: …}}, not {}", What == Kind::email ? "server" : "url", kind_of(node))});
        return;
    }
    const auto before = faults.size();
    if constexpr (What == Kind::email) read_map<NotifyDraft>(node, email_fields, draft, faults);
    else if constexpr (What == Kind::ntfy) read_map<NotifyDraft>(node, ntfy_fields, draft, faults);
    else if constexpr (What == Kind::webhook) read_map<NotifyDraft>(node, webhook_fields, draft, faults);
    else read_map<NotifyDraft>(node, url_fields, draft, faults);
    if (faults.size() != before) return;
    if constexpr (What == Kind::email) check_email(draft.rule.target, draft.secret.has_value(), node.mark, faults);
    else if (!draft.url) faults.push_back({node.mark, "missing key \"url\""});
}

constexpr Field<NotifyDraft> rule_fields[] = {
    {"on", read_events},
    {"jobs", [](const YamlNode& node, NotifyDraft& draft, Faults& faults) { read_texts(node, draft.rule.jobs, faults); }},
    {"every",
     [](const YamlNode& node, NotifyDraft& draft, Faults& faults) {
         draft.still_terms = node.mark;
         if (long number = 0; read_integer(node, 1, 1'000'000, number, faults)) draft.rule.every = static_cast<std::uint32_t>(number);
     }},
    {"after",
     [](const YamlNode& node, NotifyDraft& draft, Faults& faults) {
         draft.still_terms = node.mark;
         read_duration(node, draft.rule.after, faults);
     }},
    {"webhook", read_kind<Kind::webhook>},
    {"slack", read_kind<Kind::slack>},
    {"ntfy", read_kind<Kind::ntfy>},
    {"email", read_kind<Kind::email>},
    {"ping", read_kind<Kind::ping>},
};

void check_rule(NotifyDraft& draft, bool has_on, Faults& faults) {
    auto& rule = draft.rule;
    if (draft.kinds != 1) faults.push_back({draft.mark, "expected one of webhook, slack, ntfy, email and ping"});
    if (rule.target.kind == Kind::ping && !has_on) rule.on = {NotifyEvent::success, NotifyEvent::recovery};
    const bool still = std::ranges::find(rule.on, NotifyEvent::still_failing) != rule.on.end();
    if (draft.still_terms && !still) faults.push_back({*draft.still_terms, "\"every\" and \"after\" belong to on: still_failing"});
    if (rule.every > 0 && rule.after.count() > 0) faults.push_back({*draft.still_terms, "\"every\" and \"after\" exclude each other"});
}

} // namespace

std::string url_fault(const std::string& url) {
    const bool plain = url.starts_with("http://"), tls = url.starts_with("https://");
    if (!plain && !tls) return "expected a URL that begins with https:// or http://";
    const auto rest = std::string_view(url).substr(plain ? 7 : 8);
    const auto authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.empty() || authority.starts_with(':')) return "the URL names no host";
    if (authority.find('@') != std::string_view::npos) return "a URL with a user in it is refused";
    if (url.find('#') != std::string::npos) return "a URL with a fragment is refused";
    if (std::ranges::any_of(url, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f; }))
        return "a URL has letters, digits and marks alone";
    return {};
}

void read_notify(const YamlNode& node, const std::string& home, std::vector<NotifyDraft>& drafts, Faults& faults) {
    for (const auto& [key, value] : map_entries(node, faults)) {
        if (!plain_name(key->text)) {
            faults.push_back({key->mark, fmt::format("\"{}\" cannot name a rule: use letters, digits, '.', '_' and '-'", key->text)});
            continue;
        }
        NotifyDraft draft;
        draft.home = home;
        draft.mark = key->mark;
        draft.rule.name = key->text;
        draft.rule.place = to_string(key->mark);
        const auto before = faults.size();
        if (value->kind != YamlNode::Kind::map) {
            faults.push_back({value->mark, "expected {on: [EVENT…], slack: {url: …}}, not " + kind_of(*value)});
        } else {
            read_map<NotifyDraft>(*value, rule_fields, draft, faults);
            const bool has_on = std::ranges::any_of(value->entries, [](const auto& entry) { return entry.key->text == "on"; });
            if (faults.size() == before) check_rule(draft, has_on, faults);
        }
        name_faults(faults, before, key->text);
        if (faults.size() == before) drafts.push_back(std::move(draft));
    }
    std::ranges::sort(drafts, {}, [](const auto& draft) -> const auto& { return draft.rule.name; });
}

NotifyRule resolve_notify(NotifyDraft& draft, const ReadSecret& read_secret, Faults& faults) {
    const auto key = "notify: " + draft.rule.name;
    if (draft.url) {
        draft.rule.target.url = resolve_secret(*draft.url, read_secret, key + ": url", faults);
        const auto fault = draft.rule.target.url.empty() ? std::string() : url_fault(draft.rule.target.url.reveal());
        if (!fault.empty()) faults.push_back({draft.url->mark, key + ": url: " + fault});
    }
    if (draft.secret) draft.rule.target.secret = resolve_secret(*draft.secret, read_secret, key + ": secret", faults);
    return std::move(draft.rule);
}

} // namespace loom
