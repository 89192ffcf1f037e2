#include "app/cli/completion/lists.hpp"

#include "app/cli/answer.hpp"
#include "app/cli/output/times.hpp"
#include "app/contexts.hpp"
#include "core/base/counted.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// So many newest runs are offered.
constexpr std::uint32_t runs_offered = 50;

Candidates jobs_of(CommandContext& context, Service& service) {
    Candidates jobs;
    const auto list = context.wait(service.jobs({}));
    if (!list) return jobs;
    for (const auto& job : list->items) jobs.push_back({job.name, job.description.empty() ? job.task : job.description, false});
    return jobs;
}

Candidates runs_of(CommandContext& context, Service& service) {
    RunsQuery query;
    query.limit = runs_offered;
    Candidates runs;
    const auto page = context.wait(service.runs(query));
    if (!page) return runs;
    for (const auto& run : page->items)
        runs.push_back({run.id, (run.job.empty() ? run.task : run.job) + " " + run.state + " " + relative_time(std::optional(run.started), context.clock.now()), false});
    return runs;
}

Candidates nodes_of(CommandContext& context, Service& service) {
    Candidates nodes;
    const auto list = context.wait(service.nodes({}));
    if (!list) return nodes;
    std::map<std::string, std::size_t> terms;
    for (const auto& node : list->items) {
        for (const auto& group : node.groups) ++terms["@" + group];
        for (const auto& [key, value] : node.labels) ++terms["@label:" + key + "=" + value];
        nodes.push_back({node.name, node.address == node.name ? std::string() : node.address, false});
    }
    if (const auto catalog = context.wait(service.catalog()))
        for (const auto& group : catalog->groups) terms.try_emplace("@" + group, 0);
    for (const auto& [term, members] : terms) nodes.push_back({term, members > 0 ? counted(members, "node") : std::string(), false});
    return nodes;
}

Candidates hooks_of(CommandContext& context, Service& service) {
    Candidates hooks;
    if (const auto list = context.wait(service.hooks()))
        for (const auto& hook : list->items) hooks.push_back({hook.name, "starts " + hook.job, false});
    return hooks;
}

Candidates rules_of(CommandContext& context, Service& service) {
    Candidates rules;
    if (const auto list = context.wait(service.notify_rules()))
        for (const auto& rule : list->items) rules.push_back({rule.name, rule.kind + " to " + rule.to, false});
    return rules;
}

/// Those that can be revoked.
Candidates tokens_of(CommandContext& context, Service& service) {
    Candidates tokens;
    if (const auto list = context.wait(service.tokens()))
        for (const auto& token : list->items)
            if (token.state == "live") tokens.push_back({token.name, token.scope, false});
    return tokens;
}

/// From a file of this machine: nobody is asked.
Candidates contexts_of(const CommandContext& context) {
    Candidates contexts;
    const auto known = read_contexts(context.contexts_file, context.home);
    if (!known) return contexts;
    for (const auto& [name, one] : known->all) contexts.push_back({name, one.server, false});
    contexts.push_back({"local", "this machine's daemon", false});
    return contexts;
}

} // namespace

Candidates ask_for_list(CommandContext& context, std::string_view list) {
    if (list == "contexts") return contexts_of(context);
    const auto open = context.open_service(context.config, Need::read);
    if (!open) return {};
    if (list == "jobs") return jobs_of(context, *open->service);
    if (list == "runs") return runs_of(context, *open->service);
    if (list == "hooks") return hooks_of(context, *open->service);
    if (list == "rules") return rules_of(context, *open->service);
    if (list == "tokens") return tokens_of(context, *open->service);
    if (list == "nodes") return nodes_of(context, *open->service);
    return {};
}

std::string KeptLists::path(std::string_view list) const { return folder_ + "/" + sha256_hex(whose_).substr(0, 16) + "-" + std::string(list); }

std::optional<Candidates> KeptLists::younger_than(std::string_view list, std::chrono::seconds age) const {
    if (folder_.empty()) return std::nullopt;
    struct stat status {};
    const auto file = path(list);
    if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) return std::nullopt;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto written = std::chrono::seconds(status.st_mtim.tv_sec);
    if (written > now || now - written > age || static_cast<std::uint64_t>(status.st_size) > limits::completion_bytes) return std::nullopt;
    std::ifstream text(file);
    Candidates kept;
    for (std::string line; std::getline(text, line);) {
        const auto tab = line.find('\t');
        kept.push_back({line.substr(0, tab), tab == line.npos ? std::string() : line.substr(tab + 1), false});
    }
    return kept;
}

void KeptLists::keep(std::string_view list, const Candidates& candidates) const {
    if (folder_.empty()) return;
    std::error_code ec;
    fs::create_directories(fs::path(folder_).parent_path(), ec);
    ::mkdir(folder_.c_str(), 0700);
    const auto yesterday = fs::file_time_type::clock::now() - std::chrono::hours(24);
    for (fs::directory_iterator it(folder_, ec), end; !ec && it != end; it.increment(ec)) {
        std::error_code ignored;
        if (it->last_write_time(ignored) < yesterday) fs::remove(it->path(), ignored);
    }
    std::ostringstream text;
    for (const auto& each : candidates)
        if (each.text.find_first_of("\t\n") == std::string::npos) text << each.text << '\t' << each.about.substr(0, each.about.find('\n')) << '\n';
    if (text.str().size() > limits::completion_bytes) return;
    // A reader meets the old file or the new one, whole.
    auto fresh = path(list) + ".XXXXXX";
    const int file = ::mkostemp(fresh.data(), O_CLOEXEC); // mode 0600
    if (file < 0) return;
    const auto bytes = text.str();
    const bool written = ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    ::close(file);
    if (!written || ::rename(fresh.c_str(), path(list).c_str()) != 0) ::unlink(fresh.c_str());
}

} // namespace loom
