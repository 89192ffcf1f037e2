#include "app/cli/completion/cursor.hpp"

#include <algorithm>

namespace loom {
namespace {

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::vector<CLI::App*> commands_below(CLI::App& app) {
    return app.get_subcommands([](CLI::App*) { return true; });
}

class CursorWalk {
public:
    CursorWalk(CLI::App& app, const std::vector<std::string>& words) : app_(app), words_(words) { cursor_.command = &app; }

    Cursor walk() {
        if (words_.empty()) return std::move(cursor_);
        while (at_ + 1 < words_.size()) {
            const auto& word = words_[at_++];
            if (word == "--") return std::move(cursor_); // what follows is no matter of ours
            if (word.starts_with("--")) long_flag(word);
            else if (word.size() > 1 && word.starts_with('-')) short_flags(word);
            else plain_word(word);
        }
        if (!done_) last(words_.back());
        return std::move(cursor_);
    }

private:
    void long_flag(const std::string& word) {
        const auto equals = word.find('=');
        auto* option = find_option(*cursor_.command, word.substr(0, equals));
        if (!option) return;
        cursor_.given.push_back(option);
        if (equals != word.npos) give(*option, word.substr(equals + 1));
        else if (takes_value(*option)) value_of(*option);
    }

    void short_flags(const std::string& word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            auto* option = find_option(*cursor_.command, std::string("-") + word[i]);
            if (!option) return;
            cursor_.given.push_back(option);
            if (!takes_value(*option)) continue;
            if (i + 1 < word.size()) give(*option, word.substr(i + 1));
            else value_of(*option);
            return;
        }
    }

    /// The next word, which may be the last.
    void value_of(CLI::Option& option) {
        const auto& word = words_[at_++];
        if (at_ < words_.size()) return give(option, word);
        cursor_.kind = kind_of(option);
        cursor_.typed = word;
        done_ = true;
    }

    /// As parsing would: which configuration is meant decides whom to ask.
    void give(CLI::Option& option, const std::string& value) {
        const auto own = app_.get_options();
        if (std::ranges::find(own, &option) == own.end()) return;
        option.clear();
        option.add_result(value);
        option.run_callback();
    }

    void plain_word(const std::string& word) {
        const auto below = commands_below(*cursor_.command);
        const auto named = std::ranges::find_if(below, [&](const auto* each) { return each->get_name() == word; });
        if (arguments_ == 0 && named != below.end()) cursor_.command = *named;
        else ++arguments_;
    }

    void last(const std::string& word) {
        if (word.starts_with("--") && word.find('=') != word.npos) {
            const auto equals = word.find('=');
            if (const auto* option = find_option(*cursor_.command, word.substr(0, equals))) cursor_.kind = kind_of(*option);
            cursor_.kept = word.substr(0, equals + 1);
            cursor_.typed = word.substr(equals + 1);
            return;
        }
        cursor_.typed = word;
        cursor_.flags = word.starts_with('-');
        if (cursor_.flags) return;
        cursor_.commands = arguments_ == 0;
        std::vector<const CLI::Option*> positionals;
        for (const auto* option : cursor_.command->get_options())
            if (option->get_positional()) positionals.push_back(option);
        if (positionals.empty()) return;
        const bool more = positionals.back()->get_items_expected_max() > 1;
        if (arguments_ >= positionals.size() && !more) return;
        cursor_.kind = kind_of(*positionals[std::min(arguments_, positionals.size() - 1)]);
    }

    CLI::App& app_;
    const std::vector<std::string>& words_;
    std::size_t at_ = 0, arguments_ = 0;
    bool done_ = false;
    Cursor cursor_;
};

} // namespace

CLI::Option* find_option(CLI::App& command, const std::string& name) {
    for (auto* app = &command; app; app = app->get_parent())
        for (auto* option : app->get_options())
            if (!name.empty() && name.starts_with('-') && option->check_name(name)) return option;
    return nullptr;
}

std::string kind_of(const CLI::Option& option) {
    return option.get_positional() && option.get_lnames().empty() ? option.get_name(true) : option.get_type_name();
}

Cursor find_cursor(CLI::App& app, const std::vector<std::string>& words) { return CursorWalk(app, words).walk(); }

} // namespace loom
