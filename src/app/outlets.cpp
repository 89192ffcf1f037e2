#include "app/outlets.hpp"

#include "app/hooks/receiver.hpp"

namespace loom {
namespace {

class OutletsImpl final : public Outlets {
public:
    OutletsImpl(Runtime& runtime, Engine& engine) : runtime_(runtime), engine_(engine) {}

    std::vector<PlainRoute> routes() override {
        std::vector<PlainRoute> all;
        all.push_back(hook_route(engine_, runtime_.clock, deliveries_));
        return all;
    }
    awaitable<void> run(StopToken) override { co_return; }
    void look() override {}

private:
    Runtime& runtime_;
    Engine& engine_;
    Tally deliveries_;
};

} // namespace

Result<std::unique_ptr<Outlets>> Outlets::open(Runtime& runtime, Engine& engine, const std::string&) {
    return std::unique_ptr<Outlets>(std::make_unique<OutletsImpl>(runtime, engine));
}

} // namespace loom
