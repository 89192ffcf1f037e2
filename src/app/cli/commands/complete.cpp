#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/completion/lists.hpp"
#include "app/cli/completion/shell_line.hpp"
#include "app/cli/output/terminal_filter.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <ostream>

namespace loom {
namespace {

using namespace std::chrono_literals;

/// What was learnt faster is asked for anew at each key press, so that it is never old.
constexpr std::chrono::milliseconds slow = 20ms;
/// Nobody waits longer for a key press: then nothing is offered.
constexpr std::chrono::milliseconds patience = 2s;

std::chrono::seconds good_for(std::string_view list) { return list == "runs" ? 3s : 30s; }

/// Ends the process when nobody would wait for it any longer. What it holds outlives it, on the executor's threads.
class Watchdog {
public:
    explicit Watchdog(CommandContext& context) : executor_(context.executor), timer_(std::make_shared<asio::steady_timer>(executor_, patience)) {
        timer_->async_wait([over = over_, leave = context.leave](error_code) {
            if (!*over && leave) leave(0);
        });
    }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog() {
        *over_ = true;
        asio::post(executor_, [timer = timer_] { timer->cancel(); });
    }

private:
    Executor executor_;
    std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
    std::shared_ptr<asio::steady_timer> timer_;
};

/// What decides who is asked: the program's own options and variables, and the folder that relative paths start at.
std::string asked_of(const CLI::App& root) {
    std::string whose = LOOM_VERSION;
    std::error_code ec;
    whose += '\n' + std::filesystem::current_path(ec).string();
    for (const auto* option : root.get_options())
        for (const auto& value : option->results()) whose += '\n' + option->get_name() + ' ' + value;
    for (const auto* name : {"LOOM_CONFIG", "LOOM_SERVER", "LOOM_CONTEXT", "XDG_CONFIG_HOME"})
        if (const char* value = std::getenv(name)) whose += '\n' + std::string(name) + ' ' + value;
    return whose;
}

/// Asks at most once for each list, and remembers what took long.
Lists lists_for(CommandContext& context, const CLI::App& root) {
    const auto kept = std::make_shared<KeptLists>(context.cache_folder, asked_of(root));
    return [&context, kept](std::string_view list) {
        if (auto known = kept->younger_than(list, good_for(list))) return std::move(*known);
        const auto begin = std::chrono::steady_clock::now();
        auto asked = ask_for_list(context, list);
        if (!asked.empty() && std::chrono::steady_clock::now() - begin > slow) kept->keep(list, asked);
        return asked;
    };
}

/// A name with control characters is none that a shell could be given.
bool presentable(const Candidate& candidate) { return for_line(candidate.text) == candidate.text; }

/// The first line says what kind of answer it is; then one line each. Bash gets what it inserts, the others `TEXT TAB ABOUT`,
/// and zsh a third field where no space is to follow.
void print(std::ostream& out, const Completion& completion, const std::string& shell, const ShellLine& line) {
    constexpr const char* kinds[] = {"words", "files", "folders"};
    out << kinds[static_cast<int>(completion.kind)] << '\n';
    for (const auto& candidate : completion.candidates) {
        if (!presentable(candidate)) continue;
        if (shell == "bash") {
            if (candidate.text.size() < line.done) continue;
            const bool closed = !candidate.open && line.quote == 0;
            out << shell_insertion(std::string_view(candidate.text).substr(line.done), line.quote) << (closed ? " " : "") << '\n';
        } else {
            out << candidate.text << '\t' << for_line(candidate.about) << (shell == "zsh" && candidate.open ? "\topen" : "") << '\n';
        }
    }
    out << std::flush;
}

/// What the words are, whatever the shell gives: Bash its line and its break characters, the others a word each.
ShellLine line_of(const std::string& shell, const std::vector<std::string>& words) {
    ShellLine line;
    if (shell == "bash") {
        line = split_shell_line(words.empty() ? "" : words.front(), words.size() < 2 ? "" : words[1]);
        if (!line.words.empty()) line.words.erase(line.words.begin()); // the program's own name
    } else {
        line.words = words;
    }
    return line;
}

} // namespace

Action complete_command(CLI::App& app) {
    const auto shell = std::make_shared<std::string>();
    app.add_option("SHELL", *shell, "Who asks: bash, zsh or fish")->required();
    return [&app, shell](CommandContext& context, const std::vector<std::string>& words) {
        const Watchdog watchdog(context);
        auto& root = *app.get_parent();
        const auto line = line_of(*shell, words);
        const auto cursor = find_cursor(root, line.words);
        print(context.streams.out, complete(cursor, lists_for(context, root)), *shell, line);
        return 0;
    };
}

} // namespace loom
