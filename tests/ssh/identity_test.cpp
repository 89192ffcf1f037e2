#include "core/base/base64.hpp"
#include "fuzz/login_targets.hpp"
#include "ssh/identity.hpp"
#include "ssh/login_rig.hpp"
#include "ssh/public_key.hpp"
#include "ssh/wire.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

using namespace loom;
using namespace loom::ssh_test;

namespace {

std::string blob_of(const std::string& file) { return public_key_of_line(public_line(file)).value(); }

} // namespace

TEST_CASE("keys of every kind and format are opened, and their public half is the one that ssh-keygen wrote") {
    const TemporaryFolder folder;
    const auto type = GENERATE(as<std::string>{}, "ed25519", "ecdsa -b 256", "ecdsa -b 521", "rsa -b 1024",
                               "rsa -b 1024 -m PEM", "ecdsa -b 384 -m PKCS8");
    const auto passphrase = GENERATE(as<std::string>{}, "", "pass phrase");
    CAPTURE(type, passphrase);
    const auto file = make_key(folder, "key", type, passphrase);
    const auto text = read_text(file);
    const auto opened = open_private_key(text, Secret(passphrase));
    INFO((opened ? std::string() : opened.error().message));
    REQUIRE(opened.has_value());
    CHECK(opened->blob() == blob_of(file));
    if (passphrase.empty()) return;
    CHECK(open_private_key(text, Secret()).error().message == "is encrypted, and no passphrase is configured");
    CHECK(open_private_key(text, Secret("other")).error().message == "does not open with the passphrase that is configured");
    CHECK(open_private_key(text, Secret("other")).error().code == Errc::denied);
}

TEST_CASE("keys encrypted by other ciphers are opened") {
    const TemporaryFolder folder;
    const auto cipher = GENERATE(as<std::string>{}, "aes128-ctr", "aes256-cbc", "aes256-gcm@openssh.com");
    const auto file = make_key(folder, "key", "ed25519 -Z " + cipher, "p");
    CHECK(open_private_key(read_text(file), Secret("p")).value().blob() == blob_of(file));
    CHECK(open_private_key(read_text(file), Secret("q")).error().code == Errc::denied);
}

TEST_CASE("a text that is no usable private key says why") {
    struct Row {
        std::string text, fault;
    };
    const auto row = GENERATE(values<Row>({
        {"ssh-ed25519 AAAA user@host\n", "is not a private key"},
        {"", "is not a private key"},
        {"-----BEGIN PRIVATE KEY-----\nMIIE\n", "is damaged: its contents make no key"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "is damaged: its contents make no key"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\n", "is damaged: its contents make no key"},
    }));
    CAPTURE(row.text);
    CHECK(open_private_key(row.text, Secret()).error().message == row.fault);
}

TEST_CASE("a security key's file is refused with a word about ssh-agent") {
    std::string half, sealed("\1\2\3\4\1\2\3\4"), bytes("openssh-key-v1\0", 15);
    for (const char* part : {"sk-ssh-ed25519@openssh.com", "point", "ssh:"}) put_text(half, part);
    sealed += half;
    for (const char* part : {"none", "none", ""}) put_text(bytes, part);
    bytes += std::string("\0\0\0\1", 4);
    put_text(bytes, half);
    put_text(bytes, sealed);
    const auto text = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64_encode(bytes) + "\n-----END OPENSSH PRIVATE KEY-----\n";
    CHECK(open_private_key(text, Secret()).error().message == "is of a security key, which only ssh-agent can use (ssh-add)");
}

TEST_CASE("a key that others may read is refused with the remedy") {
    const TemporaryFolder folder;
    const auto file = make_key(folder, "key");
    std::filesystem::remove(file + ".pub");
    std::filesystem::permissions(file, std::filesystem::perms(0640));
    IdentityFiles files;
    // The public half is known all the same, for an agent that holds the key.
    const auto refused = files.read(file, Secret());
    REQUIRE(refused.has_value());
    CHECK(!refused->key);
    CHECK(refused->fault.code == Errc::denied);
    CHECK(refused->fault.message == "identity " + file + " can be read by others; run: chmod 600 " + file);
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    CHECK(files.read(file, Secret()).value().key);
}

TEST_CASE("a key is opened once, and anew when its file changed") {
    const TemporaryFolder folder;
    IdentityFiles files;
    const auto file = folder.path("key");
    CHECK(files.read(file, Secret()).error().code == Errc::not_found);
    make_key(folder, "key", "ed25519", "p");
    const auto first = files.read(file, Secret("p")).value();
    CHECK(files.read(file, Secret("p")).value().key == first.key);
    const auto wrong = files.read(file, Secret("q")).value();
    CHECK(!wrong.key);
    CHECK(wrong.blob == first.blob);
    CHECK(wrong.fault.message == "identity " + file + " does not open with the passphrase that is configured");
    std::filesystem::remove(file);
    std::filesystem::remove(file + ".pub");
    make_key(folder, "key");
    CHECK(files.read(file, Secret()).value().blob != first.blob);
}

TEST_CASE("at hand are the keys that were opened, and the files that were not there") {
    const auto ask = [](IdentityFiles& files, const std::string& file) {
        auto look = FileLook::at_hand(std::chrono::minutes(1));
        auto identity = files.read(file, Secret(), look);
        return std::pair(look.missed(), std::move(identity));
    };
    const TemporaryFolder folder;
    const auto file = folder.write("id", read_text(test_nodes().identity));
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    IdentityFiles files;
    CHECK(ask(files, file).first);
    const auto opened = files.read(file, Secret());
    REQUIRE(opened.has_value());
    const auto [missed, kept] = ask(files, file);
    CHECK_FALSE(missed);
    CHECK(kept.value().key == opened->key);
    const auto nowhere = folder.path("nowhere");
    CHECK(ask(files, nowhere).first);
    CHECK(files.read(nowhere, Secret()).error().code == Errc::not_found);
    const auto [missed_nothing, nothing] = ask(files, nowhere);
    CHECK_FALSE(missed_nothing);
    CHECK(nothing.error().code == Errc::not_found);
}

TEST_CASE("a key is opened once for all who ask for it at the same time") {
    const TemporaryFolder folder;
    IdentityFiles files;
    const auto slow = make_key(folder, "slow", "ed25519 -a 12", "p");
    std::array<std::shared_ptr<const PrivateKey>, 4> keys;
    {
        std::array<std::jthread, 4> threads;
        for (std::size_t i = 0; i < threads.size(); ++i)
            threads[i] = std::jthread([&, i] { keys[i] = files.read(slow, Secret("p")).value().key; });
    }
    REQUIRE(keys[0]);
    for (const auto& key : keys) CHECK(key == keys[0]);
}

TEST_CASE("the public half alone names a key for the agent") {
    const TemporaryFolder folder;
    IdentityFiles files;
    const auto file = make_key(folder, "key");
    const auto blob = blob_of(file);
    std::filesystem::remove(file);
    for (const auto& name : {file, file + ".pub"}) {
        const auto identity = files.read(name, Secret()).value();
        CHECK(identity.blob == blob);
        CHECK(!identity.key);
    }
}

TEST_CASE("the corpora of the fuzzers of keys and agents pass") {
    for (const auto& target : fuzz::login_targets) {
        std::size_t replayed = 0;
        for (const auto& entry : std::filesystem::directory_iterator(LOOM_SOURCE_DIR "/tests/fuzz/corpus/" + std::string(target.name))) {
            CAPTURE(entry.path().string());
            CHECK_NOTHROW(target.run(read_text(entry.path().string())));
            ++replayed;
        }
        CHECK(replayed > 0);
    }
}
