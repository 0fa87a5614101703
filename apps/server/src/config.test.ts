import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultData, parseConfig, usage } from "./config.ts";

const malformed = (message: RegExp) => ({ code: "config.malformed", message });

test("an option that is given empty is refused, as whoever wrote it meant something; in the environment it says nothing", () => {
  for (const args of [
    ["--data", ""],
    ["--keys="],
    ["--database-url", ""],
    ["--public-name", "a", "--public-name", ""],
  ]) {
    const option = args[0]?.replace("=", "");
    assert.throws(() => parseConfig(args, {}), malformed(new RegExp(`${option} is empty\\.`)));
  }
  const config = parseConfig([], { HOLDFAST_DATA: "", HOLDFAST_KEYS: "" });
  assert.ok(config !== "help" && config.data === defaultData);
});

test("the command line wins over the environment", () => {
  const config = parseConfig(["--data", "/a"], { HOLDFAST_DATA: "/b", HOLDFAST_KEYS: "/c", HOLDFAST_ALLOW_ROOT: "1" });
  assert.ok(config !== "help");
  assert.deepEqual([config.data, config.keys, config.allowRoot], ["/a", "/c", true]);
});

test("proxies are declared by address or network, and nobody declares everybody", () => {
  const declared = (args: readonly string[], environment = {}) => {
    const config = parseConfig(args, environment);
    assert.ok(config !== "help");
    return config.proxyFrom.map(({ family, prefix, value }) => [family, prefix, value]);
  };
  const twice = ["--proxy-from", "10.0.0.7", "--proxy-from=2001:db8::/32"];
  assert.deepEqual(declared(twice), [
    [4, 32, 0x0a_00_00_07n],
    [6, 32, 0x2001_0db8n << 96n],
  ]);
  assert.deepEqual(declared([], { HOLDFAST_PROXY_FROM: "::1, 10.1.0.0/16" }), [
    [6, 128, 1n],
    [4, 16, 0x0a_01_00_00n],
  ]);
  assert.deepEqual(declared([]), []);
  for (const [text, because] of [
    ["0.0.0.0/0", /--proxy-from .*everybody/],
    ["10.0.0.7/8", /--proxy-from .*write 10\.0\.0\.0\/8\./],
    ["proxy.example", /--proxy-from .*not an address or network such as/],
  ] as const)
    assert.throws(() => parseConfig(["--proxy-from", text], {}), malformed(because));
});

test("who lost her second factors waits three days, or as long as is said, and never less than one", () => {
  const chosen = (args: readonly string[], environment = {}) => {
    const config = parseConfig(args, environment);
    return config === "help" ? config : config.factorResetAfter;
  };
  assert.equal(chosen([]), 72);
  assert.equal(chosen(["--factor-reset-after", "24"]), 24);
  assert.equal(chosen([], { HOLDFAST_FACTOR_RESET_AFTER: "168" }), 168);
  for (const hours of ["23", "721", "3d"])
    assert.throws(() => chosen(["--factor-reset-after", hours]), malformed(/from 24 to 720/));
});

test("what may be called inside the house, whose certificates are trusted there and who is asked for names is said by the operator", () => {
  const called = (args: readonly string[], environment = {}) => {
    const config = parseConfig(args, environment);
    return config === "help" ? config : { ...config, outboundAllow: config.outboundAllow.map(({ prefix }) => prefix) };
  };
  const nothing = { outboundAllow: [], outboundCa: undefined, dnsServer: undefined };
  assert.partialDeepStrictEqual(called([]), nothing);
  const both = ["--outbound-allow", "10.0.0.0/8", "--outbound-allow=::1", "--outbound-ca", "/etc/house.pem"];
  assert.partialDeepStrictEqual(called(both), { outboundAllow: [8, 128], outboundCa: "/etc/house.pem" });
  assert.partialDeepStrictEqual(called([], { HOLDFAST_OUTBOUND_ALLOW: "10.1.0.0/16" }), { outboundAllow: [16] });
  for (const [text, dnsServer] of [
    ["192.0.2.53", { address: "192.0.2.53", port: 53 }],
    ["192.0.2.53:5353", { address: "192.0.2.53", port: 5353 }],
    ["2001:db8::53", { address: "2001:db8::53", port: 53 }],
    ["[2001:db8::53]:5353", { address: "2001:db8::53", port: 5353 }],
  ] as const)
    assert.partialDeepStrictEqual(called(["--dns-server", text]), { dnsServer });
  for (const text of ["dns.example", "192.0.2.53:0", "192.0.2.53:65536", "[2001:db8::53"])
    assert.throws(() => called(["--dns-server", text]), malformed(/--dns-server/));
  assert.throws(
    () => called(["--outbound-allow", "10.0.0.7/8"]),
    malformed(/--outbound-allow .*write 10\.0\.0\.0\/8\./),
  );
});

test("what happens when a session has no room is one of two things, the oldest message goes unless something is said", () => {
  const chosen = (args: readonly string[], environment = {}) => {
    const config = parseConfig(args, environment);
    return config === "help" ? config : config.whenFull;
  };
  assert.equal(chosen([]), "dropOldest");
  assert.equal(chosen(["--when-full", "refuse-publisher"]), "refusePublisher");
  assert.equal(
    chosen(["--when-full", "drop-oldest"], { HOLDFAST_WHEN_FULL: "refuse-publisher" }),
    "dropOldest",
    "the command line wins",
  );
  assert.throws(
    () => chosen([], { HOLDFAST_WHEN_FULL: "refusePublisher" }),
    malformed(/drop-oldest or refuse-publisher/),
  );
});

test("--no-demo is taken, and the help says what it does", () => {
  assert.notEqual(parseConfig(["--no-demo"], {}), "help");
  assert.match(usage, /--no-demo +no simulated devices/);
});

test("a mail server is named with whom mail is from, and its password never on the command line", () => {
  const mail = (args: readonly string[], environment = {}) => {
    const config = parseConfig(args, environment);
    assert.ok(config !== "help");
    return config.mail;
  };
  const url = ["--smtp-url", "smtp://anna@mail.example.com"];
  const from = ["--mail-from", "Works <holdfast@example.com>"];
  assert.equal(mail([]), undefined);
  const named = mail([...url, ...from], { HOLDFAST_SMTP_PASSWORD: "s3cret" });
  assert.deepEqual(
    [named?.server.host, named?.server.password, named?.from.address, named?.passwordFile],
    ["mail.example.com", "s3cret", "holdfast@example.com", undefined],
  );
  const inEnvironment = { HOLDFAST_SMTP_URL: "smtps://a:s3cret@b.example", HOLDFAST_MAIL_FROM: "a@b.example" };
  assert.equal(mail([], inEnvironment)?.server.password, "s3cret");
  for (const [args, environment, about] of [
    [url, {}, /--mail-from/],
    [from, {}, /--smtp-url/],
    [["--smtp-ca", "/a"], {}, /--smtp-url/],
    [["--smtp-url", "smtp://a:s3cret@b.example", ...from], {}, /everybody on this machine/],
    [[...url, ...from, "--smtp-password-file", "/a"], { HOLDFAST_SMTP_PASSWORD: "x" }, /twice/],
    [["--smtp-url", "smtp://b.example", ...from], { HOLDFAST_SMTP_PASSWORD: "x" }, /no user/],
  ] as const)
    assert.throws(
      () => mail(args, environment),
      (error: Error) => malformed(about).message.test(error.message) && !error.message.includes("s3cret"),
    );
});
