#include "core/base/quote.hpp"
#include "ssh/rig.hpp"

#include <cstdlib>
#include <random>

using namespace loom;
using namespace loom::ssh_test;

namespace {

/// Any bytes but NUL; those that mean something to a shell come more often.
std::string random_word(std::mt19937& random) {
    constexpr std::string_view special = "'\"\\\n\r\t $`!*?[]{}()<>|&;#~=-%^\x7f\x80\xff";
    std::string word(random() % 24, '\0');
    for (auto& letter : word)
        letter = random() % 2 == 0 ? special[random() % special.size()] : static_cast<char>(1 + random() % 255);
    return word;
}

} // namespace

TEST_CASE("random words reach a program through dash and bash as they are") {
    const std::size_t words_wanted = std::getenv("LOOM_TEST_LONG") ? 100'000 : 1'000;
    constexpr std::size_t batch = 250; // a command fits into one packet
    std::mt19937 random(20'240'229);
    Rig rig;
    const auto reaches = rig.connector();
    std::size_t right = 0;
    rig.run([&]() -> awaitable<void> {
        const auto node = Rig::node();
        const StopToken none;
        auto connected = co_await reaches->connect(node, Timeouts(), none, nullptr);
        if (!connected.remote) co_return;
        for (std::size_t done = 0; done < words_wanted; done += batch) {
            std::vector<std::string> words = {"printf", "%s\\0"};
            std::string expected;
            for (std::size_t i = 0; i < batch; ++i) {
                words.push_back(random_word(random));
                expected += words.back() + '\0';
            }
            for (const char* shell : {"dash", "bash"}) {
                // The login shell takes one layer of quotes off, the shell in question another.
                const std::vector<std::string> line = {shell, "-c", shell_join(words).value()};
                ExecRequest request;
                request.command = shell_join(line).value();
                const auto outcome = co_await connected.remote->exec(std::move(request), none);
                if (outcome.state == NodeState::ok && outcome.out.text == expected) right += batch;
            }
        }
        co_await connected.remote->close();
    });
    CHECK(right == 2 * words_wanted);
}
