#include "ssh/sftp_put.hpp"

#include "ssh/transfer_paths.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// One thing to bring, and where it goes.
struct PutItem {
    LocalEntry entry;
    std::string target;
    RemoteFile there; ///< what stands there now
    bool exists = false;
};

class Put {
public:
    Put(TransferPlace place, PutRequest request, StopToken stop)
        : request_(std::move(request)), transfer_(std::move(place), request_.timeout, std::move(stop)),
          sftp_(transfer_.sftp) {}

    awaitable<Outcome> run() {
        co_return co_await transfer_.run([this] { return work(); });
    }

private:
    awaitable<void> work();
    awaitable<bool> read_sources();
    awaitable<bool> settle_destination();
    awaitable<void> make_folders();
    awaitable<void> look();
    awaitable<std::vector<bool>> compare();
    awaitable<void> bring(const PutItem& item, bool same);
    awaitable<void> bring_file(const PutItem& item);
    awaitable<SftpCode> send(std::shared_ptr<LocalReader> reader, std::uint64_t& sent);
    awaitable<void> bring_link(const PutItem& item);
    awaitable<void> tell_full(const std::string& path);
    unsigned mode_of(const PutItem& item) const { return request_.mode.value_or(item.entry.mode); }

    PutRequest request_;
    Transfer transfer_;
    Sftp& sftp_;
    std::vector<std::vector<LocalEntry>> trees_; ///< one for each source
    std::vector<PutItem> items_;
    std::string read_fault_; ///< of the local file at hand
};

awaitable<void> Put::work() {
    if (!co_await read_sources()) co_return;
    if (!co_await settle_destination()) co_return;
    co_await make_folders();
    co_await look();
    const auto same = co_await compare();
    for (std::size_t i = 0; i < items_.size() && !transfer_.over(); ++i) co_await bring(items_[i], same[i]);
}

awaitable<bool> Put::read_sources() {
    for (const auto& source : request_.sources) {
        auto list = [path = expand_home(source, transfer_.home())] { return list_local(path); };
        auto tree = co_await transfer_.local(std::move(list));
        if (!tree) {
            transfer_.fail("", tree.error().message);
            co_return false;
        }
        const auto kind = tree->front().kind;
        if (kind == LocalEntry::Kind::other || (kind == LocalEntry::Kind::file && source.ends_with('/'))) {
            transfer_.fail(source, "neither a file nor a folder");
            co_return false;
        }
        trees_.push_back(std::move(*tree));
    }
    co_return !transfer_.over();
}

/// A destination that ends in `/`, or one for several sources, is a folder and made where it is missing. Else a file goes
/// into a folder that is there already, and a folder's own entries go into the destination: the same at every repetition.
awaitable<bool> Put::settle_destination() {
    const auto names = landing_names(request_.sources);
    if (!names) {
        transfer_.fail("", names.error().message);
        co_return false;
    }
    auto destination = co_await transfer_.absolute(request_.destination);
    if (transfer_.over()) co_return false;
    bool into = destination.ends_with('/') || request_.sources.size() > 1;
    while (destination.size() > 1 && destination.ends_with('/')) destination.pop_back();
    RemoteFile there;
    const auto code = co_await sftp_.stat(destination, there);
    const bool exists = code == 0;
    if (code != 0 && code != LIBSSH2_FX_NO_SUCH_FILE && !transfer_.good(code, destination)) co_return false;
    const bool folder = exists && there.kind == RemoteFile::Kind::folder;
    if (!into && trees_.front().front().kind == LocalEntry::Kind::file) into = folder;
    if (into && exists && !folder) {
        transfer_.fail(destination, "is not a folder");
        co_return false;
    }
    if (into && !exists && request_.check) {
        transfer_.would("make folder", destination);
    } else if (into && !exists) {
        const auto made = co_await sftp_.make_folder(destination, 0755);
        if (!transfer_.good(made, destination)) co_return false;
        transfer_.changed();
    }
    for (std::size_t i = 0; i < trees_.size(); ++i) {
        const auto root = into ? join_path(destination, (*names)[i]) : destination;
        for (auto& entry : trees_[i]) {
            PutItem item;
            item.target = join_path(root, entry.relative);
            item.entry = std::move(entry);
            items_.push_back(std::move(item));
        }
    }
    trees_.clear();
    co_return true;
}

/// A folder that is there keeps its permissions: those of /etc are not a source's business.
awaitable<void> Put::make_folders() {
    for (auto& item : items_) {
        if (item.entry.kind != LocalEntry::Kind::folder) continue;
        if (transfer_.over()) co_return;
        const auto code = co_await sftp_.stat(item.target, item.there);
        item.exists = code == 0;
        if (item.exists && item.there.kind == RemoteFile::Kind::folder) continue;
        if (item.exists) transfer_.fail(item.target, "is not a folder");
        else if (code != LIBSSH2_FX_NO_SUCH_FILE) transfer_.good(code, item.target);
        else if (request_.check) transfer_.would("make folder", item.target);
        else {
            const auto made = co_await sftp_.make_folder(item.target, item.entry.mode | 0700);
            if (transfer_.good(made, item.target)) transfer_.changed();
        }
    }
}

awaitable<void> Put::look() {
    for (auto& item : items_) {
        if (item.entry.kind != LocalEntry::Kind::file && item.entry.kind != LocalEntry::Kind::link) continue;
        if (transfer_.over()) co_return;
        // A link at the target is replaced, never followed.
        const auto code = co_await sftp_.lstat(item.target, item.there);
        item.exists = code == 0;
        if (code < 0) transfer_.good(code, item.target);
    }
}

/// Whether the node has the same bytes: asked for only where the size is the same.
awaitable<std::vector<bool>> Put::compare() {
    std::vector<bool> same(items_.size());
    std::vector<std::string> asked;
    for (const auto& item : items_) {
        const bool alike = item.exists && item.entry.kind == LocalEntry::Kind::file && item.there.kind == RemoteFile::Kind::file;
        if (alike && item.there.size == item.entry.size) asked.push_back(item.target);
    }
    if (asked.empty()) co_return same;
    const auto hashes = co_await transfer_.remote_hashes(std::move(asked));
    for (std::size_t i = 0; i < items_.size() && !transfer_.over(); ++i) {
        const auto known = hashes.find(items_[i].target);
        if (known == hashes.end()) continue;
        const auto hash = co_await transfer_.local_hash(items_[i].entry);
        same[i] = hash && *hash == known->second;
    }
    co_return same;
}

awaitable<void> Put::bring(const PutItem& item, bool same) {
    if (item.entry.kind == LocalEntry::Kind::folder) co_return;
    if (item.entry.kind == LocalEntry::Kind::other) {
        transfer_.say("skipped " + item.entry.path + " (neither a file, a folder nor a link)");
        co_return;
    }
    if (item.exists && item.there.kind == RemoteFile::Kind::folder) {
        transfer_.fail(item.target, "is a folder on the node");
        co_return;
    }
    if (request_.check && item.entry.kind == LocalEntry::Kind::file && (!same || item.there.mode != mode_of(item))) {
        transfer_.would(same ? "set the mode of" : "put", item.target);
    } else if (item.entry.kind == LocalEntry::Kind::link) {
        co_await bring_link(item);
    } else if (!same) {
        co_await bring_file(item);
    } else if (item.there.mode != mode_of(item)) {
        const auto code = co_await sftp_.set_mode(item.target, mode_of(item));
        if (!transfer_.good(code, item.target)) co_return;
        transfer_.changed();
        transfer_.say(fmt::format("mode {:04o} {}", mode_of(item), item.target));
    } else {
        transfer_.unchanged(item.target);
    }
}

awaitable<void> Put::bring_file(const PutItem& item) {
    auto open = [path = item.entry.path] { return LocalReader::open(path); };
    auto reader = co_await transfer_.local(std::move(open));
    if (!reader) {
        transfer_.fail("", reader.error().message);
        co_return;
    }
    const auto temporary = temporary_path(item.target, random_letters());
    auto code = co_await sftp_.create(temporary);
    if (!transfer_.good(code, item.target)) co_return;
    std::uint64_t sent = 0;
    read_fault_.clear();
    code = co_await send(*reader, sent);
    bool whole = code == 0 && read_fault_.empty() && !transfer_.interrupted();
    if (code == LIBSSH2_FX_FAILURE) co_await tell_full(item.target);
    else if (!read_fault_.empty()) transfer_.fail("", read_fault_);
    else transfer_.good(code, item.target);
    if (whole) {
        // Created for its owner only, since what it holds may be a secret; now it gets what it shall have.
        code = co_await sftp_.set_open_mode(mode_of(item));
        whole = transfer_.good(code, item.target);
    }
    if (!whole) transfer_.hurry();
    code = co_await sftp_.close();
    whole = whole && transfer_.good(code, item.target) && !transfer_.interrupted();
    if (whole) {
        code = co_await sftp_.rename(temporary, item.target);
        whole = transfer_.good(code, item.target);
    }
    if (whole) {
        transfer_.transferred("put", item.target, sent);
        co_return;
    }
    transfer_.hurry();
    code = co_await sftp_.remove(temporary);
    transfer_.calm();
}

/// The whole file, a window of it at a time. After an interruption what was begun is sent to its end: a request that was
/// sent in part would be completed by the next one's bytes.
awaitable<SftpCode> Put::send(std::shared_ptr<LocalReader> reader, std::uint64_t& sent) {
    std::string window;
    std::size_t taken_off = 0; ///< of the window's front
    bool ended = false;
    for (;;) {
        if (taken_off >= limits::transfer_window_bytes / 2) {
            window.erase(0, taken_off);
            taken_off = 0;
        }
        const auto waiting = window.size() - taken_off;
        if (!ended && !transfer_.interrupted() && waiting <= limits::transfer_window_bytes / 2) {
            const auto most = limits::transfer_window_bytes - waiting;
            auto read = [reader, most] { return reader->read(most); };
            auto bytes = co_await transfer_.local(std::move(read));
            if (!bytes) read_fault_ = bytes.error().message;
            ended = !bytes || bytes->size() < most;
            if (bytes) window += *bytes;
        }
        if (taken_off == window.size()) co_return 0;
        std::size_t taken = 0;
        const auto unsent = std::string_view(window).substr(taken_off);
        const auto code = co_await sftp_.write(unsent, taken);
        if (code != 0) co_return code;
        taken_off += taken;
        sent += taken;
    }
}

awaitable<void> Put::tell_full(const std::string& path) {
    auto folder = path.substr(0, path.rfind('/') + 1);
    const auto left = co_await sftp_.free_bytes(std::move(folder));
    if (left && *left < (64u << 10)) transfer_.fail(path, "no space left on the node's file system");
    else transfer_.fail(path, sftp_words(LIBSSH2_FX_FAILURE));
}

awaitable<void> Put::bring_link(const PutItem& item) {
    std::string text;
    if (item.exists && item.there.kind == RemoteFile::Kind::link) {
        const auto code = co_await sftp_.read_link(item.target, text);
        if (code < 0) transfer_.good(code, item.target);
        if (code == 0 && text == item.entry.link) {
            transfer_.unchanged(item.target);
            co_return;
        }
    }
    if (request_.check) {
        transfer_.would("link", item.target);
        co_return;
    }
    const auto temporary = temporary_path(item.target, random_letters());
    auto code = co_await sftp_.make_link(item.entry.link, temporary);
    if (!transfer_.good(code, item.target)) co_return;
    code = co_await sftp_.rename(temporary, item.target);
    if (transfer_.good(code, item.target)) {
        transfer_.changed();
        transfer_.say(fmt::format("link {} → {}", item.target, item.entry.link));
        co_return;
    }
    transfer_.hurry();
    code = co_await sftp_.remove(temporary);
    transfer_.calm();
}

} // namespace

awaitable<Outcome> put_files(TransferPlace place, PutRequest request, StopToken stop) {
    Put put(std::move(place), std::move(request), std::move(stop));
    co_return co_await put.run();
}

} // namespace loom
