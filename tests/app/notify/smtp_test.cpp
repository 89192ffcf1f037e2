#include "app/notify/smtp.hpp"

#include "app/notify/address.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

using Kind = SmtpDialogue::Step::Kind;

NotifyTarget target_of(NotifyTarget::Tls tls, std::string user = {}) {
    NotifyTarget target;
    target.kind = NotifyTarget::Kind::email;
    target.tls = tls;
    target.from = "loom@example.org";
    target.to = {"a@example.org", "b@example.org"};
    target.user = std::move(user);
    target.secret = Secret("secret");
    return target;
}

/// What is sent after each of the replies; `TLS` where the connection is to be encrypted, which it is at once.
std::vector<std::string> dialogue(const NotifyTarget& target, const std::vector<std::string>& replies, bool encrypted = false) {
    SmtpDialogue made(target, "Subject: x\r\n\r\n.dot\r\n", "loom.example.org", encrypted);
    std::vector<std::string> said;
    for (const auto& reply : replies) {
        auto step = made.next(reply);
        if (step.kind == Kind::start_tls) {
            said.push_back("TLS");
            step = made.encrypted();
        }
        said.push_back(step.kind == Kind::done ? "done" : step.kind == Kind::fail ? (step.permanent ? "refused: " : "failed: ") + step.text : step.text);
    }
    return said;
}

} // namespace

TEST_CASE("a mail goes by STARTTLS, with a password once it is encrypted") {
    const auto target = target_of(NotifyTarget::Tls::starttls, "loom");
    CHECK(dialogue(target, {"220 hi\r\n", "250-x\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n", "220 go\r\n", "250-x\r\n250 AUTH PLAIN LOGIN\r\n", "235 ok\r\n",
                            "250 ok\r\n", "250 ok\r\n", "251 ok\r\n", "354 go\r\n", "250 queued\r\n", "221 bye\r\n"}) ==
          std::vector<std::string>{"EHLO loom.example.org\r\n", "STARTTLS\r\n", "TLS", "EHLO loom.example.org\r\n", "AUTH PLAIN AGxvb20Ac2VjcmV0\r\n",
                                   "MAIL FROM:<loom@example.org>\r\n", "RCPT TO:<a@example.org>\r\n", "RCPT TO:<b@example.org>\r\n", "DATA\r\n",
                                   "Subject: x\r\n\r\n..dot\r\n.\r\n", "QUIT\r\n", "done"});
}

TEST_CASE("a server without STARTTLS gets nothing") {
    const auto target = target_of(NotifyTarget::Tls::starttls, "loom");
    CHECK(dialogue(target, {"220 hi\r\n", "250-x\r\n250 AUTH PLAIN\r\n"}).back() == "failed: the mail server does not offer STARTTLS; nothing was sent");
}

TEST_CASE("a server that knows LOGIN alone is answered by it") {
    const auto target = target_of(NotifyTarget::Tls::tls, "loom");
    CHECK(dialogue(target, {"220 hi\r\n", "250-x\r\n250 AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "235 ok\r\n", "250 ok\r\n"}, true) ==
          std::vector<std::string>{"EHLO loom.example.org\r\n", "AUTH LOGIN\r\n", "bG9vbQ==\r\n", "c2VjcmV0\r\n", "MAIL FROM:<loom@example.org>\r\n",
                                   "RCPT TO:<a@example.org>\r\n"});
}

TEST_CASE("what a server refuses for good is told apart") {
    const auto target = target_of(NotifyTarget::Tls::none);
    CHECK(dialogue(target, {"220 hi\r\n", "250 x\r\n", "250 ok\r\n", "550 5.1.1 no such user\r\n"}).back() == "refused: the mail server says: 550 5.1.1 no such user");
    CHECK(dialogue(target, {"220 hi\r\n", "250 x\r\n", "250 ok\r\n", "451 later\r\n"}).back() == "failed: the mail server says: 451 later");
    CHECK(dialogue(target, {"554 go away\x1b[2J\r\n"}).back() == "refused: the mail server says: 554 go away?[2J");
    CHECK(dialogue(target, {"hello\r\n"}).back() == "failed: the mail server says: hello");
}

TEST_CASE("a reply is whole with the line that says so") {
    for (const std::string whole : {"220 x\r\n", "250-a\r\n250 b\r\n", "250-a\n250 b\n", "250\r\n"}) CHECK(whole_reply(whole));
    for (const std::string part : {"", "220", "220 x", "220 x\r", "250-a\r\n", "250-a\r\n250 b", "250-a\r\n250-b\r\n"}) CHECK_FALSE(whole_reply(part));
}

TEST_CASE("only addresses of the wide net are public") {
    const auto is = [](const char* text) { return is_public(boost::asio::ip::make_address(text)); };
    for (const auto* good : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"}) {
        INFO(good);
        CHECK(is(good));
    }
    for (const auto* bad : {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
                            "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1",
                            "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1", "2001:db8::1", "2001::1", "::8.8.8.8"}) {
        INFO(bad);
        CHECK_FALSE(is(bad));
    }
}
