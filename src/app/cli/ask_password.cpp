#include "app/cli/ask_password.hpp"

#include "core/base/limits.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace loom {
namespace {

constexpr char interrupt = '\x03'; ///< Ctrl-C

/// The terminal without echo and without signals: what would leave it silent behind us arrives as letters.
class QuietTerminal {
public:
    QuietTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
        if (descriptor_ < 0 || ::tcgetattr(descriptor_, &before_) != 0) return;
        auto quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        quiet.c_cc[VEOL] = interrupt; // ends the line at once, as Enter does
        quiet_ = ::tcsetattr(descriptor_, TCSAFLUSH, &quiet) == 0;
    }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;
    ~QuietTerminal() {
        if (quiet_) ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    bool quiet() const { return quiet_; }
    void say(const std::string& text) const { (void)!::write(descriptor_, text.data(), text.size()); }
    bool read(char& letter) const { return ::read(descriptor_, &letter, 1) == 1; }

private:
    int descriptor_;
    termios before_{};
    bool quiet_ = false;
};

} // namespace

Result<Secret> ask_password(const std::string& prompt) {
    const QuietTerminal terminal;
    if (!terminal.quiet()) return usage_error("there is no terminal to ask for a password at");
    terminal.say(prompt);
    std::string line;
    line.reserve(limits::secret_bytes); // so that no copy stays behind
    char letter = 0;
    bool whole = false;
    while (!whole && line.size() < limits::secret_bytes && terminal.read(letter) && letter != interrupt) {
        whole = letter == '\n';
        if (!whole) line += letter;
    }
    terminal.say("\n");
    Secret secret(std::move(line));
    if (letter == interrupt) return Error{Errc::interrupted, "interrupted"};
    if (!whole || secret.empty()) return usage_error("no password was given");
    return secret;
}

} // namespace loom
