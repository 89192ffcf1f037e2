#include "app/worker/surroundings.hpp"

#include "app/worker/frames.hpp"
#include "app/worker/python_files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sched.h>
#include <spdlog/fmt/fmt.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr const char* top = "/tmp"; ///< where the new root is mounted before it is one; every system has it

Error no_view(const std::string& what) { return {Errc::failed, fmt::format("{}: {}", what, std::strerror(errno))}; }

Result<void> write_file(const std::string& path, std::string_view text, unsigned mode = 0644) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return no_view(path);
    while (!text.empty()) {
        const auto n = ::write(file.number(), text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return no_view(path);
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Result<void> make_folders(const fs::path& path) {
    std::error_code ec;
    fs::create_directories(path, ec);
    if (ec) return Error{Errc::failed, path.string() + ": " + ec.message()};
    return {};
}

Result<void> write_python(const std::string& folder) {
    for (const auto& file : python_files()) {
        const auto path = folder + "/" + std::string(file.path);
        if (auto made = make_folders(fs::path(path).parent_path()); !made) return made;
        if (auto written = write_file(path, file.text); !written) return written;
    }
    return {};
}

/// A copy of a part of the file system that is mounted nowhere yet.
struct Tree {
    std::string path;
    Descriptor mount;
    bool folder = false;
};

Result<Tree> take_tree(const std::string& path, bool device) {
    Tree tree;
    tree.path = path;
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return tree; // not here: nothing to show
    tree.folder = S_ISDIR(found.st_mode);
    tree.mount = Descriptor(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!tree.mount) return no_view(path);
    mount_attr attribute{};
    attribute.attr_set = MOUNT_ATTR_NOSUID;
    if (!device) attribute.attr_set |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV;
    if (::mount_setattr(tree.mount.number(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attribute, sizeof attribute) != 0) return no_view(path);
    return tree;
}

/// `/bin` is a link on a system of today.
Result<bool> copy_link(const std::string& path) {
    std::error_code ec;
    if (!fs::is_symlink(path, ec)) return false;
    const auto target = fs::read_symlink(path, ec);
    if (ec) return Error{Errc::failed, path + ": " + ec.message()};
    if (::symlink(target.c_str(), (top + path).c_str()) != 0 && errno != EEXIST) return no_view(path);
    return true;
}

/// `/bin/python3`, where `/bin` is a link.
bool behind_link(const std::string& path) {
    std::error_code ec;
    const auto first = path.substr(0, path.find('/', 1));
    return first != path && first != "/etc" && fs::is_symlink(first, ec);
}

/// Whether a tree that stands before shows the path already.
bool shown(const std::vector<Tree>& trees, const std::string& path) {
    for (const auto& tree : trees)
        if (tree.mount && (path == tree.path || path.starts_with(tree.path + "/"))) return true;
    return false;
}

Result<std::vector<Tree>> take_trees(const LaunchOrder& order) {
    std::vector<Tree> trees;
    std::error_code ec;
    const auto take = [&](const std::string& path, bool device) -> Result<void> {
        auto plain = fs::path(path).lexically_normal().string();
        // Below a link that is copied there is nothing to show: what it leads to is.
        if (behind_link(plain)) plain = fs::canonical(plain, ec).string();
        if (!plain.starts_with('/') || shown(trees, plain)) return {};
        auto tree = take_tree(plain.size() > 1 && plain.ends_with('/') ? plain.substr(0, plain.size() - 1) : plain, device);
        if (!tree) return tree.error();
        if (tree->mount) trees.push_back(std::move(*tree));
        return {};
    };
    for (const auto& path : system_files(order.network))
        if (!fs::is_symlink(path, ec) || path.starts_with("/etc/"))
            if (auto taken = take(path, false); !taken) return taken.error();
    for (const auto* list : {&order.read, &order.paths})
        for (const auto& path : *list)
            if (auto taken = take(path, false); !taken) return taken.error();
    for (const auto& path : device_files())
        if (auto taken = take(path, true); !taken) return taken.error();
    return trees;
}

Result<void> show(const Tree& tree) {
    const auto target = top + tree.path;
    if (auto made = make_folders(tree.folder ? fs::path(target) : fs::path(target).parent_path()); !made) return made;
    if (!tree.folder)
        if (auto made = write_file(target, ""); !made) return made;
    if (::move_mount(tree.mount.number(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) return no_view(tree.path);
    return {};
}

Result<void> mount_memory(const std::string& target, std::uint64_t bytes, unsigned mode) {
    const auto options = fmt::format("mode={:o},size={},nr_inodes=65536", mode, bytes == 0 ? std::string("50%") : std::to_string(bytes));
    if (::mount("loom", target.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) return no_view("a file system in memory");
    return {};
}

/// First of all, since what is to be shown may lie in /tmp.
Result<void> add_temporary_folder(const LaunchOrder& order, unsigned uid, const std::string& temp) {
    if (auto made = make_folders(top + temp); !made) return made;
    if (auto mounted = mount_memory(top + temp, order.temp_bytes, 0700); !mounted) return mounted;
    if (::geteuid() == 0 && ::chown((top + temp).c_str(), uid, uid) != 0) return no_view("the temporary folder");
    return {};
}

/// What stands beside the trees: links, our own Python, and the processes of this namespace.
Result<void> furnish(const LaunchOrder& order, const OwnPlace& own) {
    for (const auto& path : system_files(order.network))
        if (!path.starts_with("/etc/"))
            if (const auto linked = copy_link(path); !linked) return linked.error();
    if (!own.python.empty())
        if (auto written = write_python(top + own.python); !written) return written;
    if (auto made = make_folders(top + std::string("/dev")); !made) return made;
    if (::symlink(own.temp.c_str(), (top + std::string("/dev/shm")).c_str()) != 0) return no_view("/dev/shm");
    if (auto made = make_folders(top + std::string("/proc")); !made) return made;
    // Where the host's own is covered in part, as in a container, the kernel refuses: most programs do without.
    (void)::mount("proc", (top + std::string("/proc")).c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid");
    return {};
}

/// The file system at `top` becomes the root, and what was the root is seen no more (pivot_root(2), the form with two dots).
Result<void> turn_root() {
    if (::chdir(top) != 0) return no_view(top);
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return no_view("pivot_root");
    if (::umount2(".", MNT_DETACH) != 0) return no_view("the former root");
    if (::chdir("/") != 0) return no_view("/");
    mount_attr attribute{};
    attribute.attr_set = MOUNT_ATTR_RDONLY;
    if (::mount_setattr(AT_FDCWD, "/", 0, &attribute, sizeof attribute) != 0) return no_view("the root");
    return {};
}

/// An ordinary user is itself in a namespace of its own, too: it has the rights to set it up, and gives them away with exec.
Result<void> map_user(unsigned uid, unsigned gid) {
    if (auto written = write_file("/proc/self/setgroups", "deny"); !written) return written;
    if (auto written = write_file("/proc/self/uid_map", fmt::format("{} {} 1", uid, uid)); !written) return written;
    return write_file("/proc/self/gid_map", fmt::format("{} {} 1", gid, gid));
}

} // namespace

std::vector<std::string> system_files(bool network) {
    std::vector<std::string> files{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
    for (const auto* name : {"alternatives", "ca-certificates", "debian_version", "gai.conf", "group", "host.conf", "ld.so.cache", "ld.so.conf",
                             "ld.so.conf.d", "localtime", "locale.alias", "mime.types", "nsswitch.conf", "os-release", "passwd", "pki", "protocols",
                             "python3", "services", "ssl/certs", "ssl/openssl.cnf", "timezone"})
        files.push_back(std::string("/etc/") + name);
    if (network)
        for (const auto* name : {"hosts", "resolv.conf"}) files.push_back(std::string("/etc/") + name);
    return files;
}

std::vector<std::string> device_files() { return {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}; }

bool namespaces_work(const LaunchOrder& order) {
    const auto child = ::fork();
    if (child == 0) {
        const bool works = enter_namespaces(order) && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           ::mount("loom", top, "tmpfs", 0, nullptr) == 0;
        ::_exit(works ? 0 : 1);
    }
    int status = 1;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && status == 0;
}

Result<void> enter_namespaces(const LaunchOrder& order) {
    const auto uid = ::geteuid();
    const auto gid = ::getegid();
    int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    if (!order.network) flags |= CLONE_NEWNET;
    if (uid != 0) flags |= CLONE_NEWUSER;
    if (::unshare(flags) != 0) return no_view("namespaces");
    if (uid != 0) return map_user(uid, gid);
    return {};
}

Result<OwnPlace> build_view(const LaunchOrder& order, unsigned uid) {
    const OwnPlace own{"/tmp", order.python ? "/loom/python" : ""};
    ::umask(022);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return no_view("making the mounts private");
    const auto trees = take_trees(order);
    if (!trees) return trees.error();
    if (auto mounted = mount_memory(top, 16u << 20, 0755); !mounted) return mounted.error();
    if (auto added = add_temporary_folder(order, uid, own.temp); !added) return added.error();
    for (const auto& tree : *trees)
        if (auto seen = show(tree); !seen) return seen.error();
    if (auto furnished = furnish(order, own); !furnished) return furnished.error();
    if (auto turned = turn_root(); !turned) return turned.error();
    return own;
}

Result<OwnPlace> make_place(const LaunchOrder& order, unsigned uid) {
    ::umask(022);
    std::string folder = "/tmp/loom-worker-XXXXXX";
    if (!::mkdtemp(folder.data())) return no_view("/tmp");
    const OwnPlace own{folder + "/tmp", order.python ? folder + "/python" : ""};
    if (::chmod(folder.c_str(), 0711) != 0 || ::mkdir(own.temp.c_str(), 0700) != 0) return no_view(folder);
    if (::geteuid() == 0 && ::chown(own.temp.c_str(), uid, uid) != 0) return no_view(own.temp);
    if (!own.python.empty())
        if (auto written = write_python(own.python); !written) return written.error();
    return own;
}

} // namespace loom
