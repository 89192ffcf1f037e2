#include "core/task/output_buffer.hpp"

#include "core/base/limits.hpp"
#include "support/catch.hpp"

#include <thread>

using namespace loom;

TEST_CASE("of each stream as much is kept as the bound lets, and the rest is counted") {
    std::string heard;
    std::size_t pieces = 0;
    OutputBuffer buffer([&](bool err, std::string_view bytes) {
        if (err) heard += bytes;
        ++pieces;
    });
    const std::string piece(100'000, 'x');
    for (int i = 0; i < 20; ++i) buffer.add(true, piece);
    buffer.add(false, "out");
    buffer.add(false, "");
    Outcome outcome;
    buffer.finish(outcome);
    CHECK(outcome.out == Output{"out", 0});
    CHECK(outcome.err == Output{std::string(limits::output_bytes, 'x'), 2'000'000 - limits::output_bytes});
    CHECK(heard == outcome.err.text);
    CHECK(pieces == 12); // 1 MiB is eleven pieces, the last one cut
}

TEST_CASE("there is one text of an output, whoever has it") {
    const auto texts = [](const OutputBuffer& buffer) {
        return buffer.look([](std::string_view out, std::string_view err) { return std::pair(out, err); });
    };
    auto buffer = std::make_unique<OutputBuffer>();
    CHECK(texts(*buffer) == std::pair(std::string_view(), std::string_view()));
    buffer->add(false, std::string(1000, 'x'));
    Outcome outcome;
    buffer->finish(outcome);
    CHECK(texts(*buffer).first.data() == outcome.out.text.data());
    CHECK(texts(*buffer).second.empty());
    const auto copy = outcome;
    CHECK(copy.out.text.data() == outcome.out.text.data());
    buffer.reset();
    outcome = {};
    CHECK(copy.out.text == std::string(1000, 'x'));
}

TEST_CASE("who looks while a command prints sees what it has printed so far") {
    OutputBuffer buffer;
    std::string whole;
    while (whole.size() < limits::output_bytes) whole += std::to_string(whole.size()) + "\n";
    whole.resize(limits::output_bytes);
    bool right = true;
    std::thread reader([&] {
        for (std::size_t seen = 0; seen < whole.size();) {
            buffer.look([&](std::string_view out, std::string_view err) {
                right = right && err.empty() && out.size() >= seen && out.substr(seen) == std::string_view(whole).substr(seen, out.size() - seen);
                seen = out.size();
            });
        }
    });
    for (std::size_t at = 0; at < whole.size(); at += 1000) buffer.add(false, std::string_view(whole).substr(at, 1000));
    reader.join();
    CHECK(right);
}
