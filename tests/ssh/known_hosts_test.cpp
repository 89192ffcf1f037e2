#include "fuzz/ssh_targets.hpp"
#include "core/base/base64.hpp"
#include "ssh/known_hosts.hpp"
#include "ssh/known_hosts_files.hpp"
#include "ssh/methods.hpp"
#include "ssh/rig.hpp"

#include <filesystem>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <fstream>

using namespace loom;
using ssh_test::TemporaryFolder;

namespace {

HostKey key_of(const std::string& type, const std::string& rest) {
    std::string blob(3, '\0');
    blob += static_cast<char>(type.size());
    return host_key_from_blob(blob + type + rest);
}

std::string text_of(const HostKey& key) { return key.type + " " + base64_encode(key.blob); }

std::string hashed_name(const std::string& name) {
    const std::string salt = "0123456789abcdefghij";
    unsigned char digest[20];
    unsigned int size = 0;
    HMAC(EVP_sha1(), salt.data(), static_cast<int>(salt.size()), reinterpret_cast<const unsigned char*>(name.data()), name.size(),
         digest, &size);
    return "|1|" + base64_encode(salt) + "|" + base64_encode(std::string(reinterpret_cast<char*>(digest), size));
}

const HostKey ours = key_of("ssh-ed25519", "ours");
const HostKey other = key_of("ssh-ed25519", "other");
const HostKey elliptic = key_of("ecdsa-sha2-nistp256", "elliptic");

HostVerdict verdict(const std::string& text, const HostNames& names, const HostKey& key = ours) {
    KnownHosts known;
    known.add("f", text);
    return judge(known.find(names), key).verdict;
}

} // namespace

TEST_CASE("a known_hosts line speaks for the hosts that it names") {
    struct Row {
        std::string names, address;
        unsigned short port;
        HostVerdict expected;
    };
    const auto row = GENERATE(values<Row>({
        {"db3", "db3", 22, HostVerdict::known},
        {"DB3", "db3", 22, HostVerdict::known},
        {"db3", "Db3", 22, HostVerdict::known},
        {"db3,10.0.0.3", "10.0.0.3", 22, HostVerdict::known},
        {"db3", "db30", 22, HostVerdict::unknown},
        {"[db3]:2222", "db3", 2222, HostVerdict::known},
        {"[db3]:2222", "db3", 22, HostVerdict::unknown},
        {"[db3]:2222", "db3", 2223, HostVerdict::unknown},
        {"db3", "db3", 2222, HostVerdict::known}, // as ssh: without the port as a last resort
        {"*", "db3", 22, HostVerdict::known},
        {"db*", "db3", 22, HostVerdict::known},
        {"db?", "db3", 22, HostVerdict::known},
        {"db?", "db33", 22, HostVerdict::unknown},
        {"*.example.org", "a.b.example.org", 22, HostVerdict::known},
        {"*.example.org", "example.org", 22, HostVerdict::unknown},
        {"db*,!db3", "db3", 22, HostVerdict::unknown},
        {"!db3,db*", "db3", 22, HostVerdict::unknown},
        {"db*,!db4", "db3", 22, HostVerdict::known},
        {"!db4", "db3", 22, HostVerdict::unknown},
        {"[db*]:2222", "db3", 2222, HostVerdict::known},
        {hashed_name("db3"), "db3", 22, HostVerdict::known},
        {hashed_name("db3"), "DB3", 22, HostVerdict::known},
        {hashed_name("db3"), "db4", 22, HostVerdict::unknown},
        {hashed_name("[db3]:2222"), "db3", 2222, HostVerdict::known},
    }));
    CAPTURE(row.names, row.address, row.port);
    HostNames names;
    names.address = row.address;
    names.port = row.port;
    CHECK(verdict(row.names + " " + text_of(ours) + " a comment\n", names) == row.expected);
}

TEST_CASE("a host that is listed with other keys only has changed") {
    HostNames db3;
    db3.address = "db3";
    const auto line = [](const std::string& names, const HostKey& key) { return names + " " + text_of(key) + "\n"; };
    CHECK(verdict(line("db3", other), db3) == HostVerdict::changed);
    CHECK(verdict(line("db3", other) + line("db3", ours), db3) == HostVerdict::known);
    CHECK(verdict(line(hashed_name("db3"), other), db3) == HostVerdict::changed);
    CHECK(verdict(line("db3", elliptic), db3) == HostVerdict::changed); // its type was asked for first
    CHECK(verdict(line("db4", other), db3) == HostVerdict::unknown);
    db3.port = 2222; // what stands on port 22 says nothing against another port
    CHECK(verdict(line("db3", other), db3) == HostVerdict::unknown);

    KnownHosts known;
    known.add("/a", "# heading\n\n" + line("db3", other));
    known.add("/b", line("db3", other));
    db3.port = 22;
    CHECK(judge(known.find(db3), ours).place == "/a:3");
}

TEST_CASE("the node's name counts beside its address") {
    HostNames names;
    names.address = "10.0.0.3";
    names.name = "db3";
    CHECK(verdict("db3 " + text_of(ours), names) == HostVerdict::known);
    CHECK(verdict("db3 " + text_of(other), names) == HostVerdict::changed);
    CHECK(verdict("db3 " + text_of(other) + "\n10.0.0.3 " + text_of(ours), names) == HostVerdict::known);
}

TEST_CASE("a revoked key is refused even where it is listed plainly") {
    HostNames db3;
    db3.address = "db3";
    const auto plain = "db3 " + text_of(ours) + "\n";
    CHECK(verdict(plain + "@revoked * " + text_of(ours), db3) == HostVerdict::revoked);
    CHECK(verdict("@revoked db3 " + text_of(ours) + "\n" + plain, db3) == HostVerdict::revoked);
    CHECK(verdict(plain + "@revoked db4 " + text_of(ours), db3) == HostVerdict::known);
    CHECK(verdict("@revoked * " + text_of(other), db3) == HostVerdict::unknown);
}

TEST_CASE("a host that only a certificate authority vouches for is a case of its own") {
    HostNames db3;
    db3.address = "db3";
    const auto authority = "@cert-authority *3 " + text_of(ours) + "\n";
    CHECK(verdict(authority, db3) == HostVerdict::authority); // the authority's key is no host's own
    CHECK(verdict(authority + "db3 " + text_of(ours), db3) == HostVerdict::known);
    CHECK(verdict(authority + "db3 " + text_of(other), db3) == HostVerdict::changed);
    CHECK(verdict("@cert-authority db4 " + text_of(ours), db3) == HostVerdict::unknown);
    KnownHosts known;
    known.add("/a", authority);
    CHECK(known.find(db3).key_types().empty()); // its type says nothing of the host's
}

TEST_CASE("a key that a person approved takes the place of Loom's own line only") {
    const TemporaryFolder folder;
    const auto own = folder.write("own", "db8 " + text_of(other) + "\ndb3 " + text_of(other) + "\n");
    KnownHostsFiles files(own);
    HostNames db3;
    db3.address = "db3";
    CHECK(files.trust(db3, ours, {}, false).value().verdict == HostVerdict::changed);
    CHECK(files.trust(db3, ours, {}, true).value().verdict == HostVerdict::known);
    CHECK(ssh_test::read_text(own) == "db8 " + text_of(other) + "\ndb3 " + text_of(ours) + "\n");
    const auto theirs = folder.write("theirs", "db8 " + text_of(ours) + "\n");
    db3.address = "db8";
    CHECK(files.trust(db3, elliptic, {theirs}, true).value().verdict == HostVerdict::changed);
    folder.write("own", "db3,db5 " + text_of(other) + "\n"); // names more than the host: a person's line
    db3.address = "db3";
    CHECK(files.trust(db3, ours, {}, true).value().verdict == HostVerdict::changed);
    CHECK(ssh_test::read_text(own) == "db3,db5 " + text_of(other) + "\n");
}

TEST_CASE("lines that say nothing about a host's key are passed over") {
    HostNames db3;
    db3.address = "db3";
    for (const auto& text :
         {std::string(""), std::string("\n\n"), std::string("# db3 ssh-ed25519 AAAA"),
          "@unknown db3 " + text_of(ours), std::string("db3"), std::string("db3 ssh-ed25519"),
          std::string("db3 ssh-ed25519 not/base64!"), "db3 ssh-rsa " + base64_encode(ours.blob),
          "|1|x|y " + text_of(ours), "|2|" + text_of(ours), std::string("|1| ssh-ed25519 AAAA")}) {
        CAPTURE(text);
        CHECK(verdict(text, db3) == HostVerdict::unknown);
    }
    CHECK(verdict("db3\t" + text_of(ours) + "\r\n", db3) == HostVerdict::known);
}

TEST_CASE("the listed types of host key are asked for first") {
    CHECK(host_key_methods({}).starts_with("ssh-ed25519,"));
    CHECK(host_key_methods({"ecdsa-sha2-nistp384"}).starts_with("ecdsa-sha2-nistp384,ssh-ed25519,"));
    CHECK(host_key_methods({"ssh-rsa"}).starts_with("rsa-sha2-512,rsa-sha2-256,ssh-ed25519,"));
    CHECK(host_key_methods({"ssh-dss", "nonsense"}) == host_key_methods({}));
}

TEST_CASE("a new key is appended once, to Loom's own file only") {
    const TemporaryFolder folder;
    const auto theirs = folder.write("theirs", "db9 " + text_of(other) + "\n");
    const auto own = folder.write("own", "db8 " + text_of(other)); // its last line was cut short
    const std::vector<std::string> paths{theirs, folder.path("missing")};
    KnownHostsFiles files(own);
    HostNames db3;
    db3.address = "db3";
    db3.port = 2222;
    REQUIRE(judge(files.find(db3, paths).value(), ours).verdict == HostVerdict::unknown);
    CHECK(files.accept(db3, ours, paths).value().verdict == HostVerdict::known);
    CHECK(files.accept(db3, ours, paths).value().verdict == HostVerdict::known);
    CHECK(files.accept(db3, other, paths).value().verdict == HostVerdict::changed);
    CHECK(judge(files.find(db3, paths).value(), ours).verdict == HostVerdict::known);
    CHECK(ssh_test::read_text(own) == "db8 " + text_of(other) + "\n[db3]:2222 " + text_of(ours) + "\n");
    CHECK(ssh_test::read_text(theirs) == "db9 " + text_of(other) + "\n");
}

TEST_CASE("keys that are appended one after another are found at their lines, beside what another process writes") {
    const TemporaryFolder folder;
    const auto own = folder.write("own", "# a remark\n");
    const std::vector<std::string> paths;
    KnownHostsFiles files(own);
    const auto named = [](const char* address) {
        HostNames names;
        names.address = address;
        return names;
    };
    const auto place = [&](const char* address) {
        const auto found = files.find(named(address), paths).value();
        return found.entries.size() == 1 ? found.entries[0].place : std::string();
    };
    for (const auto* address : {"db1", "db2", "db3"}) REQUIRE(files.accept(named(address), ours, paths).has_value());
    CHECK(place("db2") == own + ":3");
    CHECK(place("db3") == own + ":4");
    std::ofstream(own, std::ios::app) << "db4 " << text_of(other) << "\n";
    REQUIRE(files.accept(named("db5"), ours, paths).has_value());
    CHECK(place("db4") == own + ":5");
    CHECK(place("db5") == own + ":6");
    CHECK(place("db1") == own + ":2");
}

TEST_CASE("Loom's own known_hosts file is for its user alone") {
    const TemporaryFolder folder;
    const std::vector<std::string> paths;
    KnownHostsFiles files(folder.path("own"));
    HostNames db3;
    db3.address = "db3";
    REQUIRE(files.accept(db3, ours, paths).has_value());
    struct stat status {};
    REQUIRE(::stat(folder.path("own").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a known_hosts file that changed is read anew") {
    const TemporaryFolder folder;
    const auto file = folder.write("theirs", "");
    const std::vector<std::string> paths{file};
    KnownHostsFiles files("");
    HostNames db3;
    db3.address = "db3";
    REQUIRE(files.find(db3, paths).value().entries.empty());
    folder.write("theirs", "db3 " + text_of(ours) + "\n");
    CHECK(files.find(db3, paths).value().entries.size() == 1);
    CHECK(files.accept(db3, other, paths).has_error()); // nowhere to record
}

TEST_CASE("at hand is only what was compared with the disk lately") {
    const TemporaryFolder folder;
    const auto file = folder.write("theirs", "db3 " + text_of(ours) + "\n");
    const std::vector<std::string> paths{file, folder.path("missing")};
    KnownHostsFiles files("");
    HostNames db3;
    db3.address = "db3";
    constexpr std::chrono::minutes lately{1};
    auto before = FileLook::at_hand(lately);
    CHECK(files.find(db3, paths, before).has_value());
    CHECK(before.missed());
    REQUIRE(files.find(db3, paths).value().entries.size() == 1);
    folder.write("theirs", "");
    auto soon = FileLook::at_hand(lately);
    CHECK(files.find(db3, paths, soon).value().entries.size() == 1);
    CHECK_FALSE(soon.missed());
    auto too_late = FileLook::at_hand(std::chrono::milliseconds(0));
    CHECK(files.find(db3, paths, too_late).has_value());
    CHECK(too_late.missed());
    CHECK(files.find(db3, paths).value().entries.empty());
}

TEST_CASE("an address that would break the line is not recorded") {
    for (const char* address : {"", "a b", "a,b", "*", "!a", "|1|a", "@revoked", "#a", "a\nb"}) {
        HostNames names;
        names.address = address;
        CAPTURE(address);
        CHECK(known_hosts_line(names, ours).empty());
    }
}

TEST_CASE("base64 takes the strict form only") {
    CHECK(base64_decode("aGk=") == "hi");
    CHECK(base64_decode("") == "");
    CHECK(base64_decode(base64_encode(std::string("\0\xff\x7f", 3))) == std::string("\0\xff\x7f", 3));
    for (const char* text : {"a", "aGk", "aGk==", "aG=k", "aGk =", "a===", "===="}) {
        CAPTURE(text);
        CHECK(!base64_decode(text).has_value());
    }
}

TEST_CASE("the corpus of the known_hosts fuzzer passes") {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(LOOM_SOURCE_DIR "/tests/fuzz/corpus/known_hosts")) {
        fuzz::known_hosts(ssh_test::read_text(entry.path().string()));
        ++count;
    }
    CHECK(count > 0);
}
