#include "ssh/login_rig.hpp"
#include "ssh/offers.hpp"
#include "ssh/public_key.hpp"
#include "ssh/wire.hpp"

#include <filesystem>

using namespace loom;
using namespace loom::ssh_test;

namespace {

std::string fake_blob(const std::string& name, bool certificate = false) {
    std::string blob;
    put_text(blob, certificate ? "ssh-ed25519-cert-v01@openssh.com" : "ssh-ed25519");
    if (certificate) put_text(blob, "nonce");
    put_text(blob, name);
    return blob;
}

/// A key of a file; with `opened` there is a private half, else only the public one is known.
Identity identity_of(const std::string& name, bool opened = true) {
    Identity identity;
    identity.file = name;
    identity.blob = fake_blob(name);
    if (opened) identity.key = std::make_shared<const PrivateKey>();
    else identity.fault.message = name + " is encrypted";
    return identity;
}

std::vector<AgentKey> agent_of(std::initializer_list<const char*> names) {
    std::vector<AgentKey> keys;
    for (const char* name : names) keys.push_back({fake_blob(name), name});
    return keys;
}

/// `a! b` for a key of a file and one that the agent signs with.
std::string order_of(const Credentials& credentials, const std::vector<AgentKey>& agent_keys) {
    std::string text;
    for (const auto& offer : order_offers(credentials, agent_keys).keys)
        text += (text.empty() ? "" : " ") + offer.label.substr(0, offer.label.find(' ')) + (offer.key ? "!" : "");
    return text;
}

void check_says(const std::string& text, std::initializer_list<std::string> parts) {
    for (const auto& part : parts) {
        CAPTURE(text, part);
        CHECK(text.find(part) != std::string::npos);
    }
}

Node with_identity(Node node, const std::string& file) {
    node.identity = file;
    return node;
}

} // namespace

TEST_CASE("keys are offered in a stated order, each once") {
    Credentials credentials;
    credentials.identities = {identity_of("a"), identity_of("b", false), identity_of("c", false)};
    const auto agent = agent_of({"x", "b", "y", "a"});
    SECTION("default identities come after the agent's keys") {
        CHECK(order_of(credentials, agent) == "x b y a");
        CHECK(order_of(credentials, {}) == "a!");
    }
    SECTION("named identities come first, and the agent signs for those that do not open") {
        credentials.identities_named = true;
        CHECK(order_of(credentials, agent) == "a! b x y");
        CHECK(order_offers(credentials, agent).left_out == std::vector<std::string>{"c is encrypted"});
    }
    SECTION("with identities_only the agent's other keys are left alone") {
        credentials.identities_only = true;
        CHECK(order_of(credentials, agent) == "a! b");
        credentials.identities_named = true;
        CHECK(order_of(credentials, agent) == "a! b");
    }
    SECTION("a certificate goes before its key") {
        credentials.identities_named = true;
        credentials.identities[0].certificate = fake_blob("a", true);
        credentials.identities[1].certificate = fake_blob("other", true);
        CHECK(order_of(credentials, agent) == "a-cert.pub! a! b x y");
        check_says(order_offers(credentials, agent).left_out.front(), {"b-cert.pub does not belong to b"});
    }
    SECTION("named certificates go first of all, with their key from a file or from the agent") {
        credentials.certificates = {{"y-certificate", fake_blob("y", true)}, {"a-certificate", fake_blob("a", true)},
                                    {"lost-certificate", fake_blob("lost", true)}};
        CHECK(order_of(credentials, agent) == "y-certificate a-certificate! x b y a");
        CHECK(order_offers(credentials, agent).left_out.front() == "there is no key for the certificate lost-certificate");
        CHECK(order_offers(credentials, agent).keys[0].agent_blob == fake_blob("y"));
    }
    SECTION("an agent's certificate goes before the named key that it is for") {
        credentials.identities_named = true;
        credentials.identities_only = true;
        auto more = agent;
        more.push_back({fake_blob("b", true), "b-signed"});
        CHECK(order_of(credentials, more) == "a! b-signed b");
    }
}

TEST_CASE("keys that nobody named leave the password its turn") {
    Credentials credentials;
    credentials.password = Secret("p");
    const auto agent = agent_of({"1", "2", "3", "4", "5"});
    CHECK(order_of(credentials, agent) == "1 2 3");
    CHECK(order_offers(credentials, agent).not_offered == 2);
    credentials.identities_named = true;
    credentials.identities = {identity_of("a"), identity_of("b"), identity_of("c"), identity_of("d")};
    CHECK(order_of(credentials, agent) == "a! b! c! d!");
}

TEST_CASE("keys of every kind log in, from files and from the agent, encrypted or not") {
    Rig rig;
    const TestSshd server(rig.folder, "PasswordAuthentication no\nKbdInteractiveAuthentication no\n");
    const TestAgent agent(rig.folder);
    for (const std::string type : {"ed25519", "ecdsa -b 521", "rsa -b 2048", "rsa -b 3072 -m PEM"}) {
        CAPTURE(type);
        const auto name = "key " + type; // names with blanks work too
        const auto file = make_key(rig.folder, name, type);
        rig.folder.write("authorized_keys", public_line(file));
        auto connected = rig.connect(with_identity(server.node(), file));
        INFO(connected.unreached.message);
        CHECK(connected.remote);
        CHECK(connected.tried == "publickey " + file + " (" + key_words(public_key_of_line(public_line(file)).value()) + "): accepted");

        agent.add(file);
        rig.environment = {{"SSH_AUTH_SOCK", agent.socket()}};
        std::filesystem::remove(file); // the public half stays and names the key
        connected = rig.connect(with_identity(server.node(), file));
        INFO(connected.unreached.message);
        CHECK(connected.remote);
        rig.environment.clear();

        const auto sealed = make_key(rig.folder, "sealed " + type, type, "open sesame");
        rig.folder.write("authorized_keys", public_line(sealed));
        auto node = with_identity(server.node(), sealed);
        check_says(rig.connect(node).unreached.message, {"identity " + sealed + " is encrypted, and no passphrase is configured"});
        node.passphrase = Secret("close sesame");
        const auto unreached = rig.connect(node).unreached;
        CHECK(unreached.cause == Cause::auth);
        CHECK(!unreached.retry);
        check_says(unreached.message, {"identity " + sealed + " does not open with the passphrase that is configured"});
        CHECK(unreached.message.find("sesame") == std::string::npos);
        node.passphrase = Secret("open sesame");
        CHECK(rig.connect(node).remote);
    }
}

TEST_CASE("user certificates log in, from files and from the agent") {
    Rig rig;
    const auto authority = make_key(rig.folder, "authority");
    const TestSshd server(rig.folder, "TrustedUserCAKeys " + authority + ".pub\nPasswordAuthentication no\n");
    const TestAgent agent(rig.folder);
    for (const std::string type : {"ed25519", "rsa -b 2048", "ecdsa"}) {
        CAPTURE(type);
        const auto file = make_key(rig.folder, type, type);
        CHECK(rig.connect(with_identity(server.node(), file)).unreached.cause == Cause::auth);
        run_program({"ssh-keygen", "-q", "-s", authority, "-I", "anna", "-n", test_nodes().user, file + ".pub"});
        auto connected = rig.connect(with_identity(server.node(), file));
        INFO(connected.unreached.message);
        CHECK(connected.remote);
        check_says(connected.tried, {"publickey " + file + "-cert.pub (", "-CERT SHA256:", "accepted"});

        agent.add(file); // with its certificate
        rig.environment = {{"SSH_AUTH_SOCK", agent.socket()}};
        std::filesystem::remove(file);
        connected = rig.connect(with_identity(server.node(), file));
        INFO(connected.unreached.message);
        CHECK(connected.remote);
        auto node = server.node(); // nothing named: the agent's keys in their order
        CHECK(rig.connect(node).remote);
        run_program({"ssh-add", "-q", "-D"}, {"SSH_AUTH_SOCK=" + agent.socket()});
        rig.environment.clear();
    }
}

TEST_CASE("a named key is found among more agent keys than a server lets one try") {
    Rig rig;
    const TestSshd server(rig.folder, "PasswordAuthentication no\n");
    const TestAgent agent(rig.folder);
    rig.environment = {{"SSH_AUTH_SOCK", agent.socket()}};
    std::string last;
    for (int i = 1; i <= 8; ++i) agent.add(last = make_key(rig.folder, "key" + std::to_string(i)));
    rig.folder.write("authorized_keys", public_line(last));
    const auto unreached = rig.connect(server.node()).unreached;
    CHECK(unreached.cause == Cause::auth);
    CHECK(!unreached.retry);
    check_says(unreached.message, {"tried key1 of ssh-agent, key2 of ssh-agent", "(the server hung up)", "2 more keys had no turn: name the right one by `identity` or IdentityFile"});
    CHECK(rig.connect(with_identity(server.node(), last)).remote);
    std::filesystem::remove(last); // now only the agent has it
    CHECK(rig.connect(with_identity(server.node(), last)).remote);
}

TEST_CASE("a server that hangs up after it refused a key has refused, and is not asked again") {
    Rig rig;
    const TestSshd server(rig.folder, "PasswordAuthentication no\nMaxAuthTries 2\n");
    rig.folder.write("authorized_keys", "");
    const auto unreached = rig.connect(with_identity(server.node(), make_key(rig.folder, "wrong"))).unreached;
    CHECK(unreached.cause == Cause::auth);
    CHECK(!unreached.retry);
    check_says(unreached.message, {"authentication failed for user", "wrong"});
}

TEST_CASE("a server that takes no RSA keys still takes the next one") {
    Rig rig;
    const TestSshd server(rig.folder, "PasswordAuthentication no\nPubkeyAcceptedAlgorithms ssh-ed25519\n");
    const TestAgent agent(rig.folder);
    rig.environment = {{"SSH_AUTH_SOCK", agent.socket()}};
    agent.add(make_key(rig.folder, "rsa", "rsa -b 2048"));
    const auto right = make_key(rig.folder, "right");
    agent.add(right);
    rig.folder.write("authorized_keys", public_line(right));
    const auto connected = rig.connect(server.node());
    INFO(connected.unreached.message);
    CHECK(connected.remote);
    INFO(connected.tried);
    check_says(connected.tried, {"publickey rsa of ssh-agent", "publickey right of ssh-agent", ": accepted"});
}

TEST_CASE("a server that wants a method of login that Loom has not is refused with its name") {
    Rig rig;
    const auto method = GENERATE(as<std::string>{}, "hostbased", "gssapi-with-mic");
    CAPTURE(method);
    const TestSshd server(rig.folder, "PasswordAuthentication no\nHostbasedAuthentication yes\nGSSAPIAuthentication yes\n"
                                      "AuthenticationMethods " + method + "\n");
    rig.folder.write("authorized_keys", "");
    const auto unreached = rig.connect(with_identity(server.node(), make_key(rig.folder, "key"))).unreached;
    CHECK(unreached.cause == Cause::auth);
    CHECK(!unreached.retry);
    check_says(unreached.message, {"the server accepts " + method + ", which Loom does not offer"});
}

TEST_CASE("an agent that cannot be reached is named, and the other keys are tried") {
    Rig rig;
    rig.environment = {{"SSH_AUTH_SOCK", rig.folder.path("nobody")}};
    CHECK(rig.connect(Rig::node()).remote);
    auto node = with_identity(Rig::node(), test_nodes().folder + "/host_key");
    check_says(rig.connect(node).unreached.message, {"cannot reach ssh-agent at " + rig.folder.path("nobody")});
}

TEST_CASE("a password logs in, by either method") {
    if (!TestSshd::can_have_passwords()) {
        WARN("left out: only root can give the tests' user a password, in a mount namespace");
        return;
    }
    Rig rig;
    const auto method = GENERATE(as<std::string>{}, "password", "keyboard-interactive");
    CAPTURE(method);
    const bool plain = method == "password";
    const TestSshd server(rig.folder, "UsePAM yes\nPasswordAuthentication " + std::string(plain ? "yes" : "no") +
                                          "\nKbdInteractiveAuthentication " + (plain ? "no" : "yes") + "\n", true);
    auto node = server.node();
    node.password = Secret("secret");
    auto connected = rig.connect(node);
    INFO(connected.unreached.message << server.log());
    CHECK(connected.remote);
    CHECK(connected.tried == method + ": accepted");
    // Eight keys of an agent leave the password its turn.
    const TestAgent agent(rig.folder);
    rig.environment = {{"SSH_AUTH_SOCK", agent.socket()}};
    for (int i = 1; i <= 8; ++i) agent.add(make_key(rig.folder, "key" + std::to_string(i)));
    connected = rig.connect(node);
    INFO(connected.unreached.message);
    CHECK(connected.remote);
    node.password = Secret("wrong words");
    const auto unreached = rig.connect(node).unreached;
    CHECK(unreached.cause == Cause::auth);
    CHECK(!unreached.retry);
    check_says(unreached.message, {", " + method});
    CHECK(unreached.message.find("wrong words") == std::string::npos);
}
