#include "ssh/base64.hpp"
#include "ssh/identity.hpp"
#include "ssh/rig.hpp"

#include <filesystem>

using namespace loom;
using ssh_test::TemporaryFolder;

namespace {

std::string openssh_key(const std::string& cipher) {
    std::string bytes("openssh-key-v1\0\0\0\0", 18);
    bytes += static_cast<char>(cipher.size());
    bytes += cipher + std::string(60, 'x');
    auto body = base64_encode(bytes);
    body.insert(40, "\n"); // ssh-keygen breaks the lines
    return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + body + "\n-----END OPENSSH PRIVATE KEY-----\n";
}

} // namespace

TEST_CASE("a key that needs a passphrase is told from one that does not") {
    struct Row {
        std::string text, fault;
    };
    const auto row = GENERATE(values<Row>({
        {openssh_key("none"), ""},
        {openssh_key("aes256-ctr"), "identity k is encrypted"},
        {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", "identity k is encrypted"},
        {"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", ""},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n", "identity k is encrypted"},
        {"-----BEGIN PRIVATE KEY-----\nMIIE\n", ""},
        {"ssh-ed25519 AAAA user@host\n", "identity k is not a private key"},
        {"", "identity k is not a private key"},
    }));
    CAPTURE(row.text);
    const auto fault = key_fault("k", row.text);
    if (row.fault.empty()) CHECK(fault.empty());
    else CHECK(fault.starts_with(row.fault));
}

TEST_CASE("a key that others may read is refused with the remedy") {
    const TemporaryFolder folder;
    const auto file = folder.write("key", openssh_key("none"), 0640);
    IdentityFiles files;
    const auto refused = files.read(file);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::denied);
    CHECK(refused.error().message == "identity " + file + " can be read by others; run: chmod 600 " + file);
    folder.write("key", openssh_key("none"), 0600);
    CHECK(files.read(file).has_value());
}

TEST_CASE("a key is read anew when its file changed") {
    const TemporaryFolder folder;
    IdentityFiles files;
    CHECK(files.read(folder.path("key")).error().code == Errc::not_found);
    const auto file = folder.write("key", openssh_key("none"));
    CHECK(files.read(file).value().text->reveal() == openssh_key("none"));
    folder.write("key", openssh_key("none") + "\n");
    CHECK(files.read(file).value().text->reveal() == openssh_key("none") + "\n");
    folder.write("key", openssh_key("aes256-ctr"));
    CHECK(files.read(file).error().code == Errc::config);
}
