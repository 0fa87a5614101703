import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemRandom, type Instant } from "@holdfast/kernel";
import { selfSigned } from "@holdfast/client/testing";
import { MailServer } from "../outbound/index.ts";
import { asOwner, atEnd, freshStorage, linkIn, Mailbox, TestClock } from "../testing/index.ts";
import { fit, textOf, type Letter } from "./letter.ts";
import { Post, type Carrier } from "./outbox.ts";

const clock = new TestClock();
const fresh = await freshStorage({ clock });
atEnd.after(() => fresh.close());
const { storage, keyring, database } = fresh;
const minute = 60_000;
const day = 24 * 60 * minute;
const told: string[] = [];

const server = (port: number, more: object = {}) =>
  new MailServer({
    server: { host: "localhost", port, tls: "none", user: undefined, password: undefined, ...more },
    from: { name: "Works, Ltd", address: "holdfast@example.com" },
    ca: undefined,
  });

const postBy = (carrier: Carrier, signal = new AbortController().signal) =>
  new Post({
    storage,
    keys: keyring,
    carrier,
    address: () => "https://localhost:8443",
    clock,
    random: systemRandom,
    report: (message, about) => void told.push(JSON.stringify({ ...about, message })),
    signal,
  });

let people = 0;
const letter = (more: Partial<Letter> = {}): Letter => ({
  kind: "forgotten",
  to: `person-${(people += 1)}@example.com`,
  subject: "Reset your password",
  lines: ["Somebody asked for a new password for your account.", "The link is good once, for an hour."],
  link: "https://localhost:8443/#reset=hfw_secret",
  ...more,
});

/** No letter of an earlier test waits. */
const empty = () => asOwner(database.login, "delete from holdfast.outbox");

test("a letter is plain text of one form, from whom and to whom it was said, and asks programs for no answer", async () => {
  const box = await Mailbox.open();
  const post = postBy(server(box.port));
  const one = letter({ to: "anna@example.com" });
  assert.equal(await post.send(one), true);
  await post.round();
  const { to, headers, text } = await box.take();
  assert.deepEqual(to, ["anna@example.com"]);
  assert.equal(headers.get("to"), "anna@example.com");
  assert.equal(headers.get("from"), '"Works, Ltd" <holdfast@example.com>');
  assert.equal(headers.get("subject"), "Reset your password");
  assert.equal(headers.get("auto-submitted"), "auto-generated");
  assert.equal(new Date(headers.get("date") ?? "").getTime(), Math.floor(clock.now() / 1_000) * 1_000);
  assert.match(headers.get("content-type") ?? "", /^text\/plain; charset=utf-8/);
  assert.equal(
    text,
    "Somebody asked for a new password for your account.\n\nThe link is good once, for an hour.\n\n" +
      "https://localhost:8443/#reset=hfw_secret\n\n-- \nHoldfast at https://localhost:8443\n",
  );
  assert.equal(linkIn({ text }), one.link);
  assert.equal(await post.waiting(), 0);
  await box.close();
});

test("whatever stands in a name, a letter has the headers and the recipient it was made with", async () => {
  const box = await Mailbox.open();
  const carrier = server(box.port);
  const hostile = fc.stringMatching(/^[\r\n:<>,@a-c\u2028\u0085\0 ]{0,40}$/);
  await fc.assert(
    fc.asyncProperty(hostile, hostile, async (subject, line) => {
      const given = {
        kind: "invitation" as const,
        to: "anna@example.com",
        subject: `Hello ${subject}\r\nBcc: eve@example.com`,
        lines: [`${line}\r\n.\r\nMAIL FROM:<x>`],
      };
      const made = fit(given);
      await carrier.take(
        { ...made, id: "1", at: new Date(0), text: textOf(made, "https://localhost") },
        new AbortController().signal,
      );
      const { to, headers } = await box.take();
      assert.deepEqual(to, ["anna@example.com"]);
      assert.deepEqual([...headers.keys()].toSorted(), [
        "auto-submitted",
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
      ]);
      assert.equal(box.received.length, 0);
    }),
    { numRuns: 10 },
  );
  for (const to of ["a@b, eve@example.com", "a@example.com\r\nBcc: eve@example.com", "nobody"])
    assert.throws(() => fit(letter({ to })), /one address/);
  assert.throws(() => fit(letter({ link: "https://x\r\ny" })), /link/);
  await box.close();
});

test("mail is kept over a restart and while the server is away, and is sent once it is back", async () => {
  await empty();
  const gone = await Mailbox.open();
  const before = postBy(server(gone.port));
  await gone.close();
  const one = letter();
  await before.send(one);
  told.length = 0;
  await before.round();
  await before.round(); // it waits now
  assert.equal(before.statistics.failures, 1);
  clock.move(minute);
  await before.round();
  assert.equal(before.statistics.failures, 2);
  assert.equal(told.length, 1, "said once, however often it is tried");
  assert.ok(!told.join().includes(one.to) && !told.join().includes("hfw_"), told.join());

  const box = await Mailbox.open(); // elsewhere: its port may be another program's by now
  const after = postBy(server(box.port));
  await after.round();
  assert.deepEqual((await box.take()).to, [one.to]);
  await after.round();
  assert.equal(box.received.length, 0, "once");
  assert.deepEqual([await after.waiting(), after.statistics.sent], [0, 1]);
  await box.close();
});

test("a letter that is refused for now is tried again later and later, and holds no other one up", async () => {
  await empty();
  const box = await Mailbox.open();
  const post = postBy(server(box.port));
  box.refusal = { code: 451 };
  await post.send(letter({ to: "greylisted@example.com" }));
  await post.round();
  box.refusal = undefined;
  await post.send(letter({ to: "other@example.com" }));
  await post.round();
  assert.deepEqual((await box.take()).to, ["other@example.com"]);
  assert.equal(await post.waiting(), 1);
  box.refusal = { code: 451 };
  for (const [after, failures] of [
    [minute, 2],
    [minute, 2],
    [minute, 3],
  ] as const) {
    clock.move(after);
    await post.round();
    assert.equal(post.statistics.failures, failures);
  }
  box.refusal = undefined;
  clock.move(4 * minute);
  await post.round();
  assert.deepEqual((await box.take()).to, ["greylisted@example.com"]);
  await box.close();
});

test("what will never be taken, is too old, or was altered is given up, and the operator is told without a name", async () => {
  await empty();
  const box = await Mailbox.open();
  const post = postBy(server(box.port));
  told.length = 0;
  box.refusal = { code: 550 };
  await post.send(letter({ to: "nobody@example.com" }));
  await post.round();
  assert.deepEqual([await post.waiting(), post.statistics.refused], [0, 1]);

  await post.send(letter({ until: (clock.now() + 60 * minute) as Instant }));
  clock.move(60 * minute);
  box.refusal = undefined;
  await post.round();
  assert.deepEqual([await post.waiting(), post.statistics.givenUp, box.received.length], [0, 1, 0]);

  box.refusal = { code: 451 };
  await post.send(letter());
  clock.move(3 * day);
  await post.round();
  assert.deepEqual([await post.waiting(), post.statistics.givenUp], [0, 2]);

  box.refusal = undefined;
  await post.send(letter());
  await asOwner(database.login, "update holdfast.outbox set until = until + 1 where due_at is not null");
  await post.round();
  assert.deepEqual([await post.waiting(), box.received.length], [0, 0]);
  assert.equal(told.length, 4);
  assert.ok(!/@|hfw_/.test(told.join()), told.join());
  await box.close();
});

test("nobody is buried under mail: five links of a kind an hour and ten a day to one address, however it is spelt", async () => {
  await empty();
  const nowhere: Carrier = { by: "mail", take: async () => undefined };
  const post = postBy(nowhere);
  const taken = async (to: string, more = {}) => post.send(letter({ to, ...more }));
  const times = async (count: number, to: string) => {
    let got = 0;
    for (let at = 0; at < count; at += 1) if (await taken(at % 2 ? to.toUpperCase() : to)) got += 1;
    return got;
  };
  assert.equal(await times(8, "victim@example.com"), 5);
  await post.round(); // that they were sent makes no room
  assert.equal(await taken("victim@example.com"), false);
  assert.equal(await taken("other@example.com"), true);
  for (const kind of ["factorReset", "ownAddress", "newAddress", "invitation", "password", "signIn"])
    assert.equal(await taken("victim@example.com", { kind }), true, `${kind} has a count of its own`);
  clock.move(61 * minute);
  await post.round();
  assert.equal(await times(8, "victim@example.com"), 5);
  clock.move(61 * minute);
  assert.equal(await taken("victim@example.com"), false);
  clock.move(day);
  await post.round();
  assert.equal(await taken("victim@example.com"), true);
  assert.equal(post.statistics.dropped, 8);
});

test("at most ten thousand letters wait", async () => {
  await empty();
  await asOwner(
    database.login,
    `insert into holdfast.outbox (id, recipient, kind, created_at, until, due_at, body)
       select gen_random_uuid(), '\\x00', 'forgotten', ${clock.now()}, ${clock.now() + day}, ${clock.now()}, '\\x00' from generate_series(1, 9999)`,
  );
  const post = postBy({ by: "mail", take: async () => undefined });
  assert.deepEqual([await post.send(letter()), await post.send(letter())], [true, false]);
  await empty();
});

test("TLS is taken where it is demanded, or nothing is sent", async () => {
  const tls = selfSigned();
  const account = { user: "works", password: "s3cret" };
  const signal = new AbortController().signal;
  const made = fit(letter());
  const mail = { ...made, id: "1", at: new Date(0), text: textOf(made, "https://localhost") };
  const by = (
    port: number,
    how: string,
    { ca = tls.cert, ...more }: { ca?: string; host?: string; password?: string } = {},
  ) =>
    new MailServer({
      server: { host: "localhost", port, tls: how as "none", ...account, ...more },
      from: { name: "", address: "holdfast@example.com" },
      ca,
    }).take(mail, signal);
  const refused = (sent: Promise<void>) => assert.rejects(sent, { name: "NotTaken", which: "none" });

  const [plain, upgraded, atOnce] = await Promise.all([
    Mailbox.open({ account }),
    Mailbox.open({ account, tls: { ...tls, atOnce: false } }),
    Mailbox.open({ account, tls: { ...tls, atOnce: true } }),
  ]);
  await by(upgraded.port, "upgraded");
  await by(atOnce.port, "at once");
  for (const box of [upgraded, atOnce]) {
    const { isOverTls, user } = await box.take();
    assert.deepEqual([isOverTls, user], [true, "works"]);
  }
  await refused(by(plain.port, "upgraded")); // it offers no STARTTLS
  await refused(by(plain.port, "at once"));
  await refused(by(upgraded.port, "upgraded", { ca: selfSigned().cert })); // nobody trusts its certificate
  await refused(by(upgraded.port, "upgraded", { host: "127.0.0.1" })); // which is for another name
  await refused(by(atOnce.port, "at once", { ca: selfSigned().cert }));
  await refused(by(upgraded.port, "upgraded", { password: "wrong" }));
  assert.deepEqual(
    [plain, upgraded, atOnce].map(({ received }) => received.length),
    [0, 0, 0],
  );
  await Promise.all([plain, upgraded, atOnce].map((box) => box.close()));
});

test("a closing platform waits for no mail server", async () => {
  await empty();
  const closing = new AbortController();
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const silent: Carrier = {
    by: "mail",
    take: (_, signal) =>
      new Promise((_taken, failed) => {
        signal.addEventListener("abort", () => failed(signal.reason));
        resolve();
      }),
  };
  const post = postBy(silent, closing.signal);
  await post.send(letter());
  const round = post.round();
  await reached;
  closing.abort();
  await round;
  assert.deepEqual([await post.waiting(), post.statistics.failures], [1, 0]);
});
