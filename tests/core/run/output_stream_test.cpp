#include "core/async/block_on.hpp"
#include "core/run/output_stream.hpp"
#include "support/catch.hpp"
#include "support/memory_store.hpp"
#include "support/store_records.hpp"

#include <boost/asio/thread_pool.hpp>

using namespace loom;
using namespace loom::records;

TEST_CASE("a node that has ended is read to its end, also while its output still stands among the live ones") {
    asio::thread_pool pool(2);
    MemoryStore store;
    Journal journal(store, asio::make_strand(pool));
    EventBus bus;
    LiveOutputs live;
    const std::string run = "018c-aaaa", text = "two \xe2\x82"; // half a character
    put(store, {created(make_run(run)), NodesStarted{run, {0}, at(1)}, finished(run, 0, text)});
    const Executor executor = asio::make_strand(pool);
    OutputStream stream(bus.subscribe(run, executor, true), journal, live, run);
    const auto output = std::make_shared<OutputBuffer>();
    output->add(false, text);
    live.show(run, "web1", 1, output); // and is not forgotten
    bus.mark_printed(run, "web1");
    const auto next = [&] { return block_on(executor, stream.next()).value(); };
    CHECK(next().data.at("text").as_string() == "two ");
    bus.publish(run, "node.finished", {{"result", {{"node", "web1"}}}});
    const auto rest = next();
    REQUIRE(rest.type == "node.output");
    CHECK(rest.data.at("offset").to_number<int>() == 4);
    CHECK(next().type == "node.finished");
}
