#include "app/cli/completion/shell_line.hpp"

namespace loom {
namespace {

constexpr std::string_view blanks = " \t\n";
/// Break characters that readline hands over with the word: a variable's and a host's.
constexpr std::string_view kept_breaks = "$@";

class LineReader {
public:
    LineReader(std::string_view line, std::string_view breaks) : line_(line), breaks_(breaks) {}

    ShellLine read() {
        result_.words.emplace_back();
        while (at_ < line_.size()) step(line_[at_++]);
        return std::move(result_);
    }

private:
    std::string& word() { return result_.words.back(); }

    void step(char c) {
        if (result_.quote == '\'') {
            if (c == '\'') result_.quote = 0;
            else word() += c;
        } else if (c == '\\') {
            escaped();
        } else if (result_.quote == '"') {
            if (c == '"') result_.quote = 0;
            else word() += c;
        } else if (c == '\'' || c == '"') {
            result_.quote = c;
            result_.done = word().size();
            begun_ = true;
        } else if (blanks.find(c) != blanks.npos) {
            if (begun_ || !word().empty()) result_.words.emplace_back();
            begun_ = false;
            result_.done = 0;
        } else {
            if (kept_breaks.find(c) != kept_breaks.npos && breaks_.find(c) != breaks_.npos) result_.done = word().size();
            word() += c;
            if (kept_breaks.find(c) == kept_breaks.npos && breaks_.find(c) != breaks_.npos) result_.done = word().size();
        }
    }

    /// Within double quotes a backslash stands for itself, but before what would mean something there.
    void escaped() {
        const bool quoted = result_.quote == '"';
        if (at_ == line_.size()) return;
        const char c = line_[at_++];
        if (quoted && std::string_view("\"\\$`").find(c) == std::string_view::npos) word() += '\\';
        word() += c;
    }

    std::string_view line_, breaks_;
    std::size_t at_ = 0;
    bool begun_ = false; ///< the word has had a quote: it may be empty
    ShellLine result_;
};

bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
}

} // namespace

ShellLine split_shell_line(std::string_view line, std::string_view breaks) { return LineReader(line, breaks).read(); }

std::string shell_insertion(std::string_view text, char open_quote) {
    std::string inserted;
    for (const char c : text) {
        if (open_quote == '\'') {
            inserted += c == '\'' ? "'\\''" : std::string(1, c);
        } else {
            const bool means = open_quote == '"' ? std::string_view("\"\\$`").find(c) != std::string_view::npos : !plain(c);
            if (means) inserted += '\\';
            inserted += c;
        }
    }
    return inserted;
}

} // namespace loom
