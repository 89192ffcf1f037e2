#include "app/http/request_reader.hpp"

#include "app/http/conditional.hpp"
#include "core/async/deadline.hpp"
#include "core/base/limits.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace loom {
namespace http = boost::beast::http;
namespace {

std::size_t fields_of(const http::fields& fields) { return static_cast<std::size_t>(std::distance(fields.begin(), fields.end())); }

/// How much longer a body may keep us waiting that has come so far: by the rate below which a client is dropped.
std::chrono::steady_clock::duration pace_left(std::size_t taken, std::chrono::steady_clock::duration since_head) {
    const std::chrono::steady_clock::duration in_time = limits::http_body_grace + std::chrono::seconds(taken / limits::http_body_rate);
    return std::max<std::chrono::steady_clock::duration>(in_time - since_head, std::chrono::milliseconds(1));
}

/// All but its body.
HttpRequest request_of(const http::request<http::string_body>& message) {
    HttpRequest request;
    request.method = std::string(message.method_string());
    const std::string target(message.target());
    const auto query = target.find('?');
    request.path = target.substr(0, query);
    if (query != std::string::npos) request.query = target.substr(query + 1);
    for (const auto& field : message) request.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
    // Nothing answers HEAD, and what says so has a body, which its client does not read.
    request.keep_alive = message.keep_alive() && request.method != "HEAD";
    request.id = request_id(request.field("X-Request-Id"));
    return request;
}

std::optional<Rejection> fault_of(const error_code& ec) {
    if (ec == http::error::body_limit) return Rejection{413, "the request's body is too long"};
    if (ec && ec != http::error::need_more) return Rejection{400, "malformed request"};
    return std::nullopt;
}

} // namespace

struct RequestReader::Incoming {
    http::request_parser<http::string_body> parser;
    std::size_t head = 0;   ///< bytes, at the front of the buffer until it is taken
    std::size_t fields = 0; ///< of the head
};

RequestReader::RequestReader(Stream& stream, const HttpLimits& limits) : stream_(stream), limits_(limits) {}
RequestReader::~RequestReader() = default;

awaitable<bool> RequestReader::read_more() {
    constexpr std::size_t piece = 16u << 10;
    const auto before = buffer_.size();
    buffer_.resize(before + piece);
    const auto into = asio::buffer(buffer_.data() + before, piece);
    const auto read = co_await stream_.read_some(into);
    buffer_.resize(before + (read.error ? 0 : read.bytes));
    co_return !read.error;
}

awaitable<bool> RequestReader::wait_for_head() {
    const auto executor = co_await asio::this_coro::executor;
    incoming_ = std::make_unique<Incoming>();
    auto expired = [this] { stream_.close(); };
    {
        const Deadline deadline(executor, limits_.idle, expired);
        if (buffer_.empty() && !co_await read_more()) co_return false;
    }
    const Deadline deadline(executor, limits_.header, expired);
    while (true) {
        const auto end = buffer_.find("\r\n\r\n");
        incoming_->head = end == std::string::npos ? buffer_.size() : end + 4;
        if (end != std::string::npos || buffer_.size() > limits::http_header_bytes) co_return true;
        if (!co_await read_more()) co_return false;
    }
}

std::optional<Rejection> RequestReader::take_head(HttpRequest& request) {
    const auto head = incoming_->head;
    if (head > limits::http_header_bytes) return Rejection{431, "the request's head is too long"};
    if (auto rejection = check_request_head(std::string_view(buffer_).substr(0, head))) return rejection;
    auto& parser = incoming_->parser;
    parser.body_limit(limits::http_body_bytes);
    parser.header_limit(limits::http_header_bytes);
    parser.eager(true);
    error_code ec;
    const auto used = parser.put(asio::buffer(buffer_.data(), head), ec);
    buffer_.erase(0, used);
    if (auto fault = fault_of(ec)) return fault;
    if (!parser.is_header_done()) return Rejection{400, "malformed request"};
    incoming_->fields = fields_of(parser.get());
    request = request_of(parser.get());
    return std::nullopt;
}

bool RequestReader::body_waits() const { return incoming_ && incoming_->parser.is_header_done() && !incoming_->parser.is_done(); }

awaitable<bool> RequestReader::read_body(std::string& body, std::optional<Rejection>& why) {
    const auto executor = co_await asio::this_coro::executor;
    auto& parser = incoming_->parser;
    const auto began = std::chrono::steady_clock::now();
    auto expired = [this] { stream_.close(); };
    const Deadline whole(executor, limits_.body, expired);
    std::optional<Deadline> pace;
    for (auto taken = buffer_.size(); !parser.is_done();) {
        error_code ec;
        const auto used = buffer_.empty() ? 0 : parser.put(asio::buffer(buffer_), ec);
        buffer_.erase(0, used);
        why = fault_of(ec);
        // All of a body is taken as it comes; what is left is the line of a chunk, or a trailer, that does not end.
        if (!why && !parser.is_done() && buffer_.size() > limits::http_header_bytes)
            why = Rejection{431, "a chunk's line or the trailer is too long"};
        if (why) co_return false;
        if (parser.is_done()) break;
        const auto left = buffer_.size();
        pace.emplace(executor, pace_left(taken, std::chrono::steady_clock::now() - began), expired);
        if (!co_await read_more()) co_return false;
        taken += buffer_.size() - left;
    }
    if (fields_of(parser.get()) != incoming_->fields) { // what trails the body is none of the head
        why = Rejection{400, "fields after the body"};
        co_return false;
    }
    body = std::move(parser.get().body());
    co_return true;
}

} // namespace loom
