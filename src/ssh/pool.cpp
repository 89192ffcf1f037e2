#include "ssh/pool.hpp"

#include "core/async/run_on.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"

#include <algorithm>
#include <array>

namespace loom {

namespace {

constexpr std::chrono::seconds spare_time{30}; ///< for the server to open a channel ahead

/// Makes the guard go, on the session's strand.
void dismiss(const std::shared_ptr<Session>& session, bool& leave) {
    leave = true;
    session->wake();
}

} // namespace

std::string pool_key(const LoginPlan& plan) {
    std::string key;
    const auto add = [&key](std::string_view part) { key.append(part).append(1, '\n'); };
    for (const auto* word : {&plan.name, &plan.host, &plan.user, &plan.host_key_alias, &plan.agent_socket}) add(*word);
    for (const int number : {int(plan.port), int(plan.host_keys), int(plan.identities_only)}) add(std::to_string(number));
    for (const auto* files : {&plan.identity_files, &plan.certificate_files, &plan.known_hosts})
        for (const auto& file : *files) add(file);
    key += plan.password.empty() ? "" : sha256_hex(plan.password.reveal());
    for (const auto& jump : plan.jumps) key += "\nvia\n" + pool_key(jump);
    return key;
}

std::unique_ptr<LiveSession> Pool::take(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto at = kept_.find(key);
    if (at == kept_.end()) return nullptr;
    const auto kept = at->second;
    kept_.erase(at);
    asio::post(kept->session->executor(), [kept] { dismiss(kept->session, kept->leave); });
    return std::move(kept->live);
}

std::unique_ptr<LiveSession> Pool::take_out(const std::shared_ptr<Kept>& kept) {
    const std::lock_guard lock(mutex_);
    if (!kept->live) return nullptr; // somebody has taken it
    const auto [first, last] = kept_.equal_range(kept->live->key);
    const auto at = std::find_if(first, last, [&](const auto& entry) { return entry.second == kept; });
    if (at != last) kept_.erase(at);
    return std::move(kept->live);
}

void Pool::give_back(std::unique_ptr<LiveSession> live) {
    const auto session = live->session;
    auto kept = std::make_shared<Kept>();
    kept->session = session;
    live->via.rest();
    {
        const std::lock_guard lock(mutex_);
        if (!closed_ && idle_ > idle_.zero() && kept_.size() < most_ && session->alive()) {
            const auto key = live->key;
            kept->live = std::move(live);
            kept_.emplace(key, kept);
        }
    }
    if (live) return session->disconnect();
    auto watch = [this, kept]() -> awaitable<void> { co_await guard(kept); };
    guards_.spawn(session->executor(), std::move(watch));
}

awaitable<void> Pool::guard(std::shared_ptr<Kept> kept) {
    const auto session = kept->session;
    long code = 0;
    {
        const Deadline answer(session->executor(), spare_time, [&] { session->kill(); });
        session->ask_spare();
        code = co_await session->open_spare();
    }
    if (code == 0 && !kept->leave) {
        const Deadline age(session->executor(), idle_, [&] { dismiss(session, kept->leave); });
        const Deadline rest(session->executor(), limits::session_rest, [&] { session->hand_back(); });
        // Nothing comes on a channel that runs nothing; reading it lets libssh2 answer the server meanwhile.
        auto step = [&]() -> long {
            std::array<char, 64> nothing;
            auto* const spare = session->spare();
            return spare ? libssh2_channel_read_ex(spare, 0, nothing.data(), nothing.size()) : 0;
        };
        code = co_await session->call_until(std::move(step), &kept->leave);
    }
    const auto mine = take_out(kept); // null where somebody has taken it
    if (mine) session->disconnect();
}

awaitable<void> Pool::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        for (const auto& [key, kept] : kept_)
            // Also one whose guard waits for a server that is silent: the session itself ends.
            asio::post(kept->session->executor(), [kept = kept] {
                kept->leave = true;
                kept->session->disconnect();
            });
    }
    auto join = [this]() -> awaitable<void> { co_await guards_.join(); };
    std::function<awaitable<void>()> work = std::ref(join);
    co_await run_on(guards_.executor(), work);
}

} // namespace loom
