#include "ssh/sftp_get.hpp"

#include "core/base/bytes.hpp"
#include "ssh/transfer_paths.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// One file or folder of the node, and where it goes beneath the node's own folder.
struct GetItem {
    std::string source, relative;
    RemoteFile file;
    std::optional<LocalFolder::Found> here; ///< what stands there now
};

constexpr std::ptrdiff_t local_batch = 256; ///< items in one turn of the blocking pool, which others use too

/// Makes the folders and looks at what stands in the others' places.
Result<std::vector<GetItem>> prepare(const LocalFolder& folder, std::vector<GetItem> items, bool check) {
    for (auto& item : items) {
        if (item.file.kind != RemoteFile::Kind::folder) item.here = folder.look(item.relative);
        else if (check) continue;
        else if (auto made = folder.make_folder(item.relative, item.file.mode); !made) return made.error();
    }
    return items;
}

class Get {
public:
    Get(TransferPlace place, GetRequest request, StopToken stop)
        : request_(std::move(request)), transfer_(std::move(place), request_.timeout, std::move(stop)),
          sftp_(transfer_.sftp) {}

    awaitable<Outcome> run() {
        co_return co_await transfer_.run([this] { return work(); });
    }

private:
    awaitable<void> work();
    awaitable<void> list_source(std::string source, std::string name);
    awaitable<void> list_folder(std::string source, std::string relative, std::size_t depth);
    void take(GetItem item);
    awaitable<bool> make_folders();
    awaitable<std::vector<bool>> compare();
    awaitable<void> fetch(const GetItem& item, bool same);
    awaitable<void> fetch_file(const GetItem& item);
    awaitable<bool> receive(const GetItem& item, std::shared_ptr<LocalFolder::NewFile> file, std::uint64_t& received);

    GetRequest request_;
    Transfer transfer_;
    Sftp& sftp_;
    std::shared_ptr<LocalFolder> folder_;
    std::vector<GetItem> items_;
    std::uint64_t bytes_ = 0; ///< what the node says that it all holds
    bool too_much_ = false;
};

awaitable<void> Get::work() {
    const auto names = landing_names(request_.sources);
    if (!names) {
        transfer_.fail("", names.error().message);
        co_return;
    }
    for (std::size_t i = 0; i < names->size() && !transfer_.over(); ++i)
        co_await list_source(request_.sources[i], (*names)[i]);
    if (items_.empty() || too_much_ || transfer_.over()) co_return;
    auto open = [folder = expand_home(request_.folder, transfer_.home()), below = request_.below, check = request_.check] {
        return check ? LocalFolder::find(folder, below) : LocalFolder::open(folder, below);
    };
    auto folder = co_await transfer_.local(std::move(open));
    if (!folder) {
        transfer_.fail("", folder.error().message);
        co_return;
    }
    folder_ = std::move(*folder);
    if (folder_ && !co_await make_folders()) co_return;
    const auto same = co_await compare();
    for (std::size_t i = 0; i < items_.size() && !transfer_.over(); ++i) co_await fetch(items_[i], same[i]);
}

/// What is named outright may be a link on the node: the server follows it there. Links within a tree are left out.
awaitable<void> Get::list_source(std::string source, std::string name) {
    auto path = co_await transfer_.absolute(source);
    if (transfer_.over()) co_return;
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    GetItem item;
    const auto code = co_await sftp_.stat(path, item.file);
    if (!transfer_.good(code, path)) co_return;
    if (item.file.kind == RemoteFile::Kind::folder) {
        item.source = path;
        item.relative = name;
        if (!name.empty()) take(std::move(item));
        co_await list_folder(std::move(path), std::move(name), 0);
    } else if (name.empty()) {
        transfer_.fail(source, "is not a folder");
    } else if (item.file.kind == RemoteFile::Kind::other) {
        transfer_.fail(path, "is neither a file nor a folder");
    } else {
        item.source = std::move(path);
        item.relative = std::move(name);
        take(std::move(item));
    }
}

void Get::take(GetItem item) {
    const auto most = request_.bytes_most;
    bytes_ += std::min<std::uint64_t>(item.file.size, most + 1);
    if (items_.size() >= limits::tree_entries)
        transfer_.fail(item.source, fmt::format("more than {} files", limits::tree_entries));
    else if (bytes_ > most)
        transfer_.fail(item.source, fmt::format("more than {} in all", size_words(most)));
    else return items_.push_back(std::move(item));
    too_much_ = true;
}

awaitable<void> Get::list_folder(std::string source, std::string relative, std::size_t depth) {
    if (depth == limits::tree_depth) {
        transfer_.fail(source, "lies too deep");
        co_return;
    }
    auto code = co_await sftp_.open_folder(source);
    if (!transfer_.good(code, source)) co_return;
    const auto first = items_.size();
    while (!transfer_.over() && !too_much_) {
        Sftp::Entry entry;
        code = co_await sftp_.read_folder(entry);
        if (!transfer_.good(code, source) || entry.name.empty()) break;
        if (entry.name == "." || entry.name == "..") continue;
        if (const auto fault = name_fault(entry.name)) {
            transfer_.fail(source, fmt::format("the server names an entry \"{}\": {}", entry.name, *fault));
            continue;
        }
        GetItem item;
        item.source = join_path(source, entry.name);
        item.relative = join_path(relative, entry.name);
        item.file = entry.file;
        if (item.file.kind == RemoteFile::Kind::folder || item.file.kind == RemoteFile::Kind::file) {
            take(std::move(item));
        } else {
            const auto* what = item.file.kind == RemoteFile::Kind::link ? "a link" : "neither a file nor a folder";
            transfer_.say(fmt::format("skipped {} ({})", item.source, what));
        }
    }
    code = co_await sftp_.close();
    const auto last = items_.size();
    for (auto at = first; at < last && !transfer_.over() && !too_much_; ++at) {
        if (items_[at].file.kind != RemoteFile::Kind::folder) continue;
        auto path = items_[at].source, name = items_[at].relative;
        co_await list_folder(std::move(path), std::move(name), depth + 1);
    }
}

/// The folders, and a look at what is there.
awaitable<bool> Get::make_folders() {
    std::ranges::stable_sort(items_, {}, &GetItem::source); // folders stand before what they hold
    for (auto next = items_.begin(); next != items_.end();) {
        if (transfer_.over()) co_return false;
        const auto end = next + std::min<std::ptrdiff_t>(local_batch, items_.end() - next);
        std::vector<GetItem> some(std::make_move_iterator(next), std::make_move_iterator(end));
        auto work = [folder = folder_, some = std::move(some), check = request_.check]() mutable { return prepare(*folder, std::move(some), check); };
        auto prepared = co_await transfer_.local(std::move(work));
        if (!prepared) {
            transfer_.fail("", prepared.error().message);
            co_return false;
        }
        next = std::ranges::move(*prepared, next).out;
    }
    co_return true;
}

awaitable<std::vector<bool>> Get::compare() {
    std::vector<bool> same(items_.size());
    std::vector<std::string> asked;
    for (const auto& item : items_) {
        const bool alike = item.here && !item.here->folder && item.file.kind == RemoteFile::Kind::file;
        if (alike && item.here->size == item.file.size && item.file.size > 0) asked.push_back(item.source);
    }
    if (asked.empty()) co_return same;
    const auto hashes = co_await transfer_.remote_hashes(std::move(asked));
    for (std::size_t i = 0; i < items_.size() && !transfer_.over(); ++i) {
        const auto known = hashes.find(items_[i].source);
        if (known == hashes.end()) continue;
        auto work = [folder = folder_, relative = items_[i].relative, stop = transfer_.given_up()] {
            return folder->hash(relative, stop);
        };
        const auto hash = co_await transfer_.local(std::move(work));
        same[i] = hash && *hash == known->second;
    }
    co_return same;
}

awaitable<void> Get::fetch(const GetItem& item, bool same) {
    if (item.file.kind == RemoteFile::Kind::folder) co_return;
    if (item.here && item.here->folder) {
        transfer_.fail(item.source, "a local folder has its name");
        co_return;
    }
    if (request_.check && (!same || item.here->mode != (item.file.mode & 0777))) {
        transfer_.would(same ? "set the mode of" : "get", item.source);
        co_return;
    }
    if (!same) {
        co_await fetch_file(item);
        co_return;
    }
    if (item.here->mode != (item.file.mode & 0777)) {
        auto work = [folder = folder_, relative = item.relative, mode = item.file.mode] {
            return folder->set_mode(relative, mode);
        };
        const auto done = co_await transfer_.local(std::move(work));
        if (done) {
            transfer_.changed();
            transfer_.say(fmt::format("mode {:04o} {}", item.file.mode & 0777, item.source));
        } else {
            transfer_.fail("", done.error().message);
        }
        co_return;
    }
    transfer_.unchanged(item.source);
}

awaitable<void> Get::fetch_file(const GetItem& item) {
    auto code = co_await sftp_.open_to_read(item.source);
    if (!transfer_.good(code, item.source)) co_return;
    auto create = [folder = folder_, relative = item.relative, random = random_letters()] {
        return folder->create(relative, random);
    };
    auto file = co_await transfer_.local(std::move(create));
    if (!file) {
        transfer_.fail("", file.error().message);
        code = co_await sftp_.close();
        co_return;
    }
    std::uint64_t received = 0;
    bool whole = co_await receive(item, *file, received);
    if (!whole) transfer_.hurry();
    code = co_await sftp_.close();
    transfer_.calm();
    if (whole) {
        auto finish = [kept = *file, mode = item.file.mode] { return kept->finish(mode); };
        const auto done = co_await transfer_.local(std::move(finish));
        if (done) transfer_.transferred("get", item.source, received);
        else transfer_.fail("", done.error().message);
        whole = done.has_value();
    }
    if (whole) co_return;
    std::function<void()> discard = [kept = *file] { kept->discard(); };
    co_await transfer_.local(std::move(discard));
}

/// As much as the node said that the file holds: a log that grows for ever has an end here. One that says it is empty may
/// be of /proc, and is read to its end within a bound.
awaitable<bool> Get::receive(const GetItem& item, std::shared_ptr<LocalFolder::NewFile> file, std::uint64_t& received) {
    const std::uint64_t most = item.file.size > 0 ? item.file.size : std::min<std::uint64_t>(limits::get_unsized_bytes, request_.bytes_most);
    std::string buffer(std::min<std::uint64_t>(most, limits::transfer_read_bytes), '\0'), waiting;
    while (received < most) {
        std::size_t got = 0;
        const auto room = std::span<char>(buffer).first(std::min<std::uint64_t>(buffer.size(), most - received));
        const auto code = co_await sftp_.read(room, received, got);
        if (!transfer_.good(code, item.source) || transfer_.over()) co_return false;
        waiting.append(buffer.data(), got);
        received += got;
        if (waiting.empty() || (got > 0 && received < most && waiting.size() < limits::transfer_window_bytes)) {
            if (got == 0) break;
            continue;
        }
        auto write = [file, bytes = std::move(waiting)] { return file->write(bytes); };
        waiting.clear();
        const auto written = co_await transfer_.local(std::move(write));
        if (!written) {
            transfer_.fail("", written.error().message);
            co_return false;
        }
        if (got == 0) break;
    }
    co_return !transfer_.over();
}

} // namespace

awaitable<Outcome> get_files(TransferPlace place, GetRequest request, StopToken stop) {
    Get get(std::move(place), std::move(request), std::move(stop));
    co_return co_await get.run();
}

} // namespace loom
