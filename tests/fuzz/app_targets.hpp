#pragma once
#include "app/cli/completion/shell_line.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"
#include "app/contexts.hpp"
#include "app/hooks/judge.hpp"
#include "app/hooks/verify.hpp"
#include "app/http/conditional.hpp"
#include "app/http/origin.hpp"
#include "app/http/parameters.hpp"
#include "app/http/request_checks.hpp"
#include "app/http/router.hpp"
#include "app/http/sse.hpp"
#include "app/worker/frames.hpp"
#include "app/worker/limits.hpp"
#include "app/worker/messages.hpp"
#include "core/base/utf8.hpp"

#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/parse.hpp>
#include <stdexcept>

/// As core_targets.hpp, for what stands in src/app.
namespace loom::fuzz {

inline void app_promise(bool kept, const char* what) {
    if (!kept) throw std::logic_error(what);
}

/// What reaches the terminal is UTF-8 without control characters but tab, line end and colours that the filter itself
/// lets through again, and without a character that turns the reading direction.
inline void terminal(std::string_view bytes) {
    const auto plain = for_terminal(bytes, false);
    for (std::string_view rest = plain; !rest.empty();) {
        const auto next = decode_utf8(rest);
        app_promise(next.valid, "not UTF-8");
        app_promise(next.code == '\n' || next.code == '\t' || (next.code >= 0x20 && next.code != 0x7f), "a control character");
        app_promise(!(next.code >= 0x80 && next.code <= 0x9f), "a C1 control");
        app_promise(!(next.code >= 0x202a && next.code <= 0x202e) && !(next.code >= 0x2066 && next.code <= 0x2069),
                    "a bidirectional control");
        rest.remove_prefix(next.bytes);
    }
    app_promise(for_terminal(plain, false) == plain, "filtering twice changes something");
    const auto coloured = for_terminal(bytes, true);
    app_promise(for_terminal(coloured, false) == plain, "colours change the text");
    for (auto at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b', at + 1)) {
        const auto end = coloured.find_first_not_of("0123456789;:", at + 2);
        app_promise(coloured[at + 1] == '[' && end != std::string::npos && coloured[end] == 'm', "no colour");
    }
    app_promise(for_line(bytes).find_first_of("\n\t\x1b") == std::string::npos, "more than one line");
    app_promise(display_width(ellipsised(plain, 10)) <= 10, "wider than allowed");
}

/// What the fields that mean something are read as: a name that is taken for another one would open the daemon to a page.
inline void http_fields(const boost::beast::http::request<boost::beast::http::string_body>& request) {
    HostRule rule;
    rule.names = {"loom.example.org", "127.0.0.1"};
    for (const auto& field : request) {
        const std::string value(field.value());
        if (answers_to(rule, value)) app_promise(value.size() >= 9 && host_name(value).find_first_of("/@ ") == std::string::npos, "an odd host is taken");
        if (same_origin(value, "loom.example.org")) app_promise(value.size() == 23 || value.size() == 24, "another origin is the same");
        app_promise(request_id(value).size() <= 64, "a long request id");
        const HttpResponse reply{200, "application/json", "{}"};
        const auto status = unless_known(reply, value).status;
        app_promise(status == 200 || status == 304, "a tag makes another status");
    }
}

/// A head that the checks let through is one that Beast refuses or reads the same way: to the same end, method and
/// target; then the router and the reading of the query take it. The bytes are a client's event stream as well.
inline void http_head(std::string_view bytes) {
    SseReader reader;
    reader.feed(bytes);
    const auto rejection = check_request_head(bytes);
    if (rejection) return app_promise(rejection->status >= 400 && !rejection->message.empty(), "a refusal without words");
    boost::beast::http::request_parser<boost::beast::http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(bytes.size() + 1));
    parser.body_limit(boost::none);
    boost::system::error_code ec;
    parser.put(boost::asio::buffer(bytes), ec);
    if (ec && ec != boost::beast::http::error::need_more) return; // it may be stricter, never laxer
    app_promise(parser.is_header_done(), "Beast sees another end");
    const std::string line = std::string(parser.get().method_string()) + " " + std::string(parser.get().target());
    app_promise(bytes.starts_with(line), "Beast reads another request line");
    const auto target = std::string_view(line).substr(line.find(' ') + 1);
    find_route("GET", target.substr(0, target.find('?')));
    const auto query = target.find('?');
    if (query != std::string_view::npos) parse_query(target.substr(query + 1));
    http_fields(parser.get());
}

/// A file of contexts, or the address of a server: read, or refused in words; what is read can be written and read again as it was.
inline void contexts(std::string_view bytes) {
    const auto server = parse_server(bytes);
    if (server) {
        const auto again = parse_server(server->remote() ? server->shown : "unix:" + server->path);
        app_promise(again && again->shown == server->shown, "an address is another one when it is read again");
        app_promise(server->kind != ServerAddress::Kind::http || server->host == "localhost" || is_loopback(server->host), "a token goes in clear");
    }
    const auto read = parse_contexts("/c/contexts.yaml", bytes, "/home/anna");
    app_promise(read || !read.error().message.empty(), "a refusal without words");
}

/// A shell's line falls into words whose last one holds what the shell keeps; what is inserted is read back as it was.
inline void shell_line(std::string_view bytes) {
    const auto line = split_shell_line(bytes, " \t\n\"'@><=;|&(:");
    app_promise(!line.words.empty(), "no word at the cursor");
    app_promise(line.done <= line.words.back().size(), "more is kept than there is");
    for (const auto& word : line.words) {
        app_promise(word.empty() || split_shell_line(shell_insertion(word, 0)).words == std::vector{word}, "inserted bare, and read otherwise");
        app_promise(split_shell_line('"' + shell_insertion(word, '"') + '"').words == std::vector{word}, "inserted in quotes, and read otherwise");
    }
}

/// `NAME: VALUE` lines, an empty one, the body. Nothing that does not know the secret is let in, whatever it says; and what starts a job
/// has values that fit, and an id that is a word.
inline void hook(std::string_view bytes) {
    HookDelivery delivery;
    while (!bytes.empty()) {
        const auto line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
        if (line.empty()) break;
        const auto colon = line.find(':');
        if (colon != std::string_view::npos) delivery.headers.emplace_back(line.substr(0, colon), line.substr(std::min(line.size(), colon + 2)));
    }
    delivery.body = std::string(bytes);
    const Instant now(std::chrono::seconds(1'614'265'330));
    Hook made;
    made.secrets.emplace_back("a secret that nobody can guess");
    made.parameters.resize(4);
    for (std::size_t i = 0; i < made.parameters.size(); ++i) {
        auto& parameter = made.parameters[i];
        parameter.name = std::string(1, static_cast<char>('a' + i));
        parameter.field.name = "/" + parameter.name;
        parameter.type = static_cast<HookParameter::Type>(i);
        if (i > 0) parameter.standard = boost::json::value();
    }
    made.parameters[3].choices = {"x", "y"};
    made.filter.resize(1);
    made.filter[0].field.name = "/f/0";
    made.filter[0].matches = Pattern::parse("(a|aa)+").value();
    for (int scheme = 0; scheme <= static_cast<int>(HookScheme::bearer); ++scheme) {
        made.scheme = static_cast<HookScheme>(scheme);
        app_promise(!verified(made, delivery, now), "a forged delivery was let in");
        const auto verdict = judge_verified(made, delivery);
        if (verdict.kind != HookVerdict::Kind::start) {
            app_promise(!verdict.why.empty(), "nothing was said of why");
            continue;
        }
        const auto& text = verdict.start.params.at("a").as_string();
        app_promise(text.size() <= 4096 && !text.starts_with('-'), "a text that does not fit");
        app_promise(std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }), "a control character");
        const auto& flag = verdict.start.params.at("c");
        app_promise(flag.is_null() || flag.is_bool(), "a flag that is none");
        app_promise(verdict.start.delivery.find_first_of(" \n\t") == std::string::npos, "an id that is no word");
        auto resigned = delivery;
        std::erase_if(resigned.headers, [](const auto& one) { return one.first.size() > 4; });
        for (auto& one : signed_headers(made, delivery.body, "id", now)) resigned.headers.push_back(std::move(one));
        const bool open = made.scheme == HookScheme::gitlab || made.scheme == HookScheme::bearer;
        app_promise(open || verified(made, resigned, now), "what is signed is not verified");
    }
}

/// A worker's bytes, in pieces that the first one of them cuts: what is a frame comes out whole, and what comes out is read as a request
/// or a result, or refused in words.
inline void worker_frames(std::string_view bytes) {
    FrameReader whole, cut;
    const auto step = bytes.empty() ? 1 : static_cast<std::size_t>(static_cast<unsigned char>(bytes.front())) + 1;
    const auto frames = whole.feed(bytes);
    std::vector<std::string> pieces;
    bool good = true;
    for (std::size_t at = 0; at < bytes.size() && good; at += step) {
        auto some = cut.feed(bytes.substr(at, step));
        good = some.has_value();
        if (good)
            for (auto& frame : *some) pieces.push_back(std::move(frame.body));
    }
    app_promise(frames.has_value() == good, "cut otherwise it is good or not");
    if (!frames) return app_promise(!frames.error().message.empty(), "a refusal without words");
    app_promise(frames->size() == pieces.size(), "cut otherwise it is another number of frames");
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto& body = (*frames)[i].body;
        app_promise(body == pieces[i] && !body.empty() && body.size() <= worker_limits::frame_bytes, "a frame that is cut otherwise is another one");
        boost::system::error_code ec;
        const auto value = boost::json::parse(body, ec);
        const auto* message = ec ? nullptr : value.if_object();
        if (!message) continue;
        const auto request = read_request(*message, {}, 7);
        app_promise(request || !request.error().message.empty(), "a refusal without words");
        if (request) app_promise(request->command.find('\0') == std::string::npos && request->path.find('\0') == std::string::npos, "a NUL in a request");
        const auto result = read_result(*message);
        app_promise(result || !result.error().message.empty(), "a refusal without words");
    }
}

struct AppTarget {
    const char* name;
    void (*run)(std::string_view);
};
inline constexpr std::array app_targets{AppTarget{"terminal", terminal}, AppTarget{"http_head", http_head}, AppTarget{"contexts", contexts},
                                          AppTarget{"shell_line", shell_line}, AppTarget{"hook", hook}, AppTarget{"worker_frames", worker_frames}};

} // namespace loom::fuzz
