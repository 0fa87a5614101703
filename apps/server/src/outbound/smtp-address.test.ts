import assert from "node:assert/strict";
import { test } from "node:test";
import { isMailAddress, parseSender, parseSmtpUrl } from "./smtp-address.ts";

const of = (text: string) => {
  const { host, port, tls, user } = parseSmtpUrl(text);
  return [host, port, tls, user];
};

test("mail goes by TLS to every server but one on this machine", () => {
  assert.deepEqual(of("smtp://anna@mail.example.com"), ["mail.example.com", 587, "upgraded", "anna"]);
  assert.deepEqual(of("smtps://anna%40example.com@mail.example.com"), [
    "mail.example.com",
    465,
    "at once",
    "anna@example.com",
  ]);
  assert.deepEqual(of("smtp://mail.example.com:25/"), ["mail.example.com", 25, "upgraded", undefined]);
  assert.deepEqual(of("smtp://10.0.0.7:25"), ["10.0.0.7", 25, "upgraded", undefined]);
  for (const host of ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"])
    assert.equal(parseSmtpUrl(`smtp://${host}:25`).tls, "none", host);
  for (const host of ["localhost.example.com", "127.0.0.1.example.com", "[::2]", "128.0.0.1", "0.0.0.0"])
    assert.equal(parseSmtpUrl(`smtp://${host}:25`).tls, "upgraded", host);
  assert.equal(parseSmtpUrl("smtps://localhost").tls, "at once");
  assert.equal(parseSmtpUrl("smtp://a:p%3Aq@mail.example.com").password, "p:q");
});

test("what is no address of a mail server is refused by the name of its option", () => {
  for (const text of [
    "mail.example.com",
    "https://mail.example.com",
    "smtp://",
    "smtp://mail.example.com/path",
    "smtp://mail.example.com?x=1",
    "smtp://a%zz@mail.example.com",
  ])
    assert.throws(() => parseSmtpUrl(text), { code: "config.malformed", message: /--smtp-url/ });
});

test("a sender is one address, with a name or without", () => {
  assert.deepEqual(parseSender(" Works <a@example.com>"), { name: "Works", address: "a@example.com" });
  assert.deepEqual(parseSender('"Works, Ltd" <a@example.com>'), { name: "Works, Ltd", address: "a@example.com" });
  assert.deepEqual(parseSender("a@example.com"), { name: "", address: "a@example.com" });
  for (const text of ["", "Works", "a@b, c@d", "Works <a@b> <c@d>", "Works\r\nBcc: c@d <a@b>", "<>", "a@b\nc"])
    assert.throws(() => parseSender(text), { code: "config.malformed", message: /--mail-from/ });
});

test("an address is no list, no comment and no other header", () => {
  for (const text of ["a@example.com", "a+b.c@x.example", "ä@example.com"]) assert.ok(isMailAddress(text), text);
  for (const text of [
    "a@b,c@d",
    "a@b;c@d",
    "<a@b>",
    "a@b\r\nBcc: c@d",
    "a b@c",
    "a@",
    "@b",
    "a@b@c",
    "a(b)@c",
    '"a"@b',
    `${"a".repeat(250)}@b.cd`,
  ])
    assert.ok(!isMailAddress(text), text);
});
