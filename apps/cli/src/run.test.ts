import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { rootCertificates } from "node:tls";
import net, { type AddressInfo } from "node:net";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { folderFor, holdfast, json, refuse, serve } from "./testing/world.ts";

const id = (prefix: string, digit: number): string => `${prefix}_${String(digit).repeat(32)}`;
const [org, person, application, device, key] = [id("org", 1), id("per", 2), id("app", 3), id("dev", 4), id("key", 5)];
const [authority = ""] = rootCertificates;
const createdAt = "2026-06-01T11:55:00.000Z";
const me = { credential: id("tok", 6), kind: "apiToken", org, person, grants: ["org.read"] };
const pump = {
  id: device,
  state: "active",
  name: "Pump\u001b[2J",
  application,
  tags: { site: "north" },
  createdAt,
  presence: { state: "online", connected: true, since: createdAt, lastSeenAt: createdAt },
  version: 1,
};

test("an answer is one JSON document for programs, and aligned text for people", async (t) => {
  const env = await serve(t, (request, response) => {
    assert.equal(request.headers.authorization, "Bearer hf_test");
    const retired = {
      ...pump,
      name: "V",
      state: "retired",
      retiredAt: createdAt,
      presence: { state: "never", connected: false },
    };
    json(response, 200, { items: [pump, retired], total: 2 });
  });
  const forPrograms = await holdfast(["device", "list", "--json"], { env });
  assert.deepEqual([forPrograms.exit, forPrograms.err], [0, ""]);
  assert.equal(JSON.parse(forPrograms.out).items[0].name, pump.name);
  const forPeople = await holdfast(["device", "list"], { env });
  const [blank, dots] = [" ".repeat(34), "4".repeat(32)];
  const of = `app_${"3".repeat(32)}  site=north  5 min ago`;
  assert.deepEqual(forPeople.out.trimEnd().split("\n"), [
    `ID${blank}  NAME           STATE    PRESENCE  SEEN       APPLICATION${blank.slice(9)}  TAGS        MADE`,
    `dev_${dots}  Pump\\u{1b}[2J  active   online    5 min ago  ${of}`,
    `dev_${dots}  V              retired  never                ${of}`,
  ]);
});

test("a list of devices is asked for by words, status, several tags and sort, and one device says since when it is away", async (t) => {
  const env = await serve(t, (request, response) => {
    const { searchParams, pathname } = new URL(request.url ?? "", "https://x");
    const presence = { state: "offline", connected: false, since: createdAt, because: "it said goodbye" };
    if (pathname !== "/v1/devices") return json(response, 200, { ...pump, presence });
    const { limit: _, ...asked } = Object.fromEntries(searchParams);
    assert.deepEqual(asked, { q: "pump hall", presence: "offline", tag: "floor=3,site=a", sort: "-name" });
    json(response, 200, { items: [], total: 0 });
  });
  const line = [
    "--filter",
    "pump hall",
    "--status",
    "offline",
    "--tag",
    "floor=3",
    "--tag",
    "site=a",
    "--sort",
    "-name",
  ];
  assert.equal((await holdfast(["device", "list", ...line], { env })).exit, 0);
  const { out } = await holdfast(["device", "get", device], { env });
  assert.match(out, /offline since 2026-06-01T11:55:00\.000Z \(5 min ago\) \(it said goodbye\)/);
});

test("colours are for terminals, unless somebody asked for none", async (t) => {
  const env = await serve(t, (_, response) => json(response, 200, { items: [pump], total: 1 }));
  const escape = "\u001b[2m";
  assert.ok((await holdfast(["device", "list"], { env, terminal: true })).out.startsWith(escape));
  for (const none of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    assert.ok(!(await holdfast(["device", "list"], { env: { ...env, ...none }, terminal: true })).out.includes(escape));
  }
  assert.ok(!(await holdfast(["device", "list"], { env })).out.includes(escape));
});

test("a secret is in the answer once, and a sentence beside it says so", async (t) => {
  const env = await serve(t, (request, response) => {
    assert.deepEqual(JSON.parse(request.text), { application, name: "Pump", tags: { site: "north" } });
    json(response, 201, { ...pump, key: { id: key, secret: "hfs_secret" } });
  });
  const line = ["device", "create", "--application", application, "--name", "Pump", "--tag", "site=north"];
  const { out, err } = await holdfast([...line, "--json"], { env });
  assert.deepEqual(JSON.parse(out).key, { id: key, secret: "hfs_secret" });
  assert.match(err, /shown this once/);
  assert.ok(!err.includes("hfs_secret"));
  const forPeople = await holdfast(line, { env });
  assert.match(forPeople.out, /^secret +hfs_secret$/m);
  assert.ok(!forPeople.err.includes("hfs_secret"));
});

test("a new device comes with the lines that send its first reading, to be copied as they are", async (t) => {
  const env = await serve(t, (_, response) => json(response, 201, { ...pump, key: { id: key, secret: "hfs_secret" } }));
  const line = ["device", "create", "--application", application, "--name", "Pump"];
  const plain = (await holdfast(line, { env })).out.split("\n");
  const curl = `curl ${env.HOLDFAST_URL}/v1/me/telemetry -H 'X-Auth-Token: ${key}.hfs_secret'`;
  assert.ok(plain.includes(`${curl} -H 'Content-Type: application/json' -d '{"temperature": 21.5}'`), plain.join("\n"));
  const publish = `-h 127.0.0.1 -p 8883 -u ${key} -P hfs_secret -q 1 -t me/telemetry -m '{"temperature": 21.5}'`;
  assert.ok(plain.includes(`mosquitto_pub --tls-use-os-certs ${publish}`));

  const folder = folderFor(t);
  const caFile = path.join(folder, "ada's ca.pem");
  writeFileSync(caFile, authority);
  const named = (await holdfast([...line, "--ca-file", caFile], { env })).out;
  const quoted = `'${folder}/ada'\\''s ca.pem'`;
  assert.ok(named.includes(`curl --cacert ${quoted} http`) && named.includes(`mosquitto_pub --cafile ${quoted} -h`));

  mkdirSync(path.join(folder, "holdfast"));
  const profile = { url: env.HOLDFAST_URL, token: "hf_test", caFile, ca: authority, mqttsUrl: "mqtts://[::1]:18883" };
  writeFileSync(path.join(folder, "holdfast", "profile.json"), JSON.stringify(profile));
  const known = (await holdfast(line, { env: { XDG_CONFIG_HOME: folder } })).out;
  assert.ok(known.includes(`mosquitto_pub --cafile ${quoted} -h ::1 -p 18883 `), known);
});

test("a device goes into the only application there is, and into none of several", async (t) => {
  const there = [{ id: application, name: "Pumps", signUp: "closed", createdAt, version: 1 }];
  let many = 0;
  const env = await serve(t, (request, response) => {
    if (request.method === "GET") return json(response, 200, { items: [...there, ...there].slice(0, many) });
    assert.equal(JSON.parse(request.text).application, application);
    json(response, 201, { ...pump, key: { id: key, secret: "hfs_secret" } });
  });
  const ended = async () => holdfast(["device", "create", "--name", "Pump"], { env });
  const none = await ended();
  assert.deepEqual([none.exit, /no application yet.*application create/.test(none.err)], [2, true]);
  many = 1;
  assert.equal((await ended()).exit, 0);
  many = 2;
  const several = await ended();
  assert.deepEqual([several.exit, /--application is missing: there are several/.test(several.err)], [2, true]);
});

test("a refusal ends with 1 and tells sentence, code, request and what to mend", async (t) => {
  const errors = [{ path: "name", message: "too long" }];
  const env = await serve(t, (_, response) => refuse(response, 403, "permit.missing", { errors }));
  const forPeople = await holdfast(["device", "get", device], { env });
  assert.deepEqual([forPeople.exit, forPeople.out], [1, ""]);
  assert.equal(forPeople.err, "No.\n  name: too long\n  (permit.missing, request req-1)\n");
  const forPrograms = await holdfast(["device", "get", device, "--json"], { env });
  const told = { code: "permit.missing", sentence: "No.", status: 403, requestId: "req-1", errors };
  assert.deepEqual([forPrograms.out, JSON.parse(forPrograms.err)], ["", { error: told }]);
});

test("a refusal that the command can help with says how", async (t) => {
  const codes = ["proof.required", "confirmation.required"];
  const env = await serve(t, (_, response) => refuse(response, 403, codes.shift() ?? ""));
  assert.match((await holdfast(["whoami"], { env })).err, /^No\. --key-file or HOLDFAST_KEY_FILE names it\.$/m);
  const approve = ["command", "approve", device, `cmd_${"0".repeat(32)}`];
  assert.match((await holdfast(approve, { env })).err, /^No\. Here that is done by holdfast login\.$/m);
});

test("each way to fail has its own number", async (t) => {
  const closed = net.createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const { port } = closed.address() as AddressInfo; // it listened on a port
  await new Promise((resolve) => closed.close(resolve));
  const nobody = { HOLDFAST_URL: `https://127.0.0.1:${port}`, HOLDFAST_TOKEN: "hf_test" };
  assert.equal((await holdfast(["whoami"], { env: nobody })).exit, 3);

  const replies: ((response: Parameters<typeof json>[0]) => void)[] = [
    (response) => refuse(response, 503, "storage.unavailable"),
    (response) => refuse(response, 500, "fault"),
    (response) => response.writeHead(502).end("<html>"),
    (response) => json(response, 200, { surprise: true }),
  ];
  const env = await serve(t, (_, response) => replies.shift()?.(response));
  for (const exit of [1, 70, 3, 70]) assert.equal((await holdfast(["whoami"], { env })).exit, exit);

  assert.equal((await holdfast(["whoami"])).exit, 2);
  assert.equal((await holdfast(["whoami"], { env: { HOLDFAST_URL: env.HOLDFAST_URL } })).exit, 2);
  assert.equal((await holdfast(["whoami"], { env: { ...env, HOLDFAST_URL: "localhost" } })).exit, 2);
  assert.equal((await holdfast(["whoami"], { env: { ...env, HOLDFAST_TOKEN: "two\nlines" } })).exit, 2);
  assert.equal((await holdfast(["whoami", "--ca-file", "/nowhere"], { env })).exit, 2);
  assert.equal((await holdfast(["whoami", "--ca-file", import.meta.filename], { env })).exit, 2);
  assert.equal(JSON.parse((await holdfast(["nothing", "--json"])).err).error.code, "usage");
});

test("lists go on page by page up to the limit, and the cursor goes on behind the last item", async (t) => {
  const asked: (string | null)[][] = [];
  const env = await serve(t, (request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams;
    const [limit, start] = [Number(query.get("limit")), Number(query.get("cursor") ?? 0)];
    asked.push([query.get("limit"), query.get("cursor"), query.get("from"), query.get("aggregate")]);
    const items = Array.from({ length: Math.min(limit, 25_000 - start) }, (_, i) => ({
      time: createdAt,
      avg: start + i,
    }));
    const next = start + items.length;
    json(response, 200, { items, ...(next < 25_000 && { nextCursor: String(next) }) });
  });
  const line = [
    "telemetry",
    "get",
    device,
    "--attribute",
    "t",
    "--from",
    "-24h",
    "--every",
    "1h",
    "--aggregate",
    "avg",
  ];
  const all = await holdfast([...line, "--json"], { env });
  assert.equal(JSON.parse(all.out).items.length, 25_000);
  assert.ok(!("nextCursor" in JSON.parse(all.out)));
  const from = "2026-05-31T12:00:00.000Z";
  assert.deepEqual(asked, [
    ["10000", null, from, "avg"],
    ["10000", "10000", from, "avg"],
    ["10000", "20000", from, "avg"],
  ]);
  const some = await holdfast([...line, "--limit", "12000", "--json"], { env });
  assert.deepEqual(JSON.parse(some.out).nextCursor, "12000");
  assert.match(some.err, /more than these 12000.*--cursor 12000/);
  const rest = await holdfast([...line, "--cursor", "24998"], { env });
  assert.match(rest.out, /^TIME +AVG\n.* 24998\n.* 24999\n$/);
});

test("what somebody altered in the database is named beside the rest of its list, over all of its pages", async (t) => {
  const [first, second] = [id("alr", 7), id("alr", 8)];
  const env = await serve(t, (request, response) => {
    const isFirst = !new URL(request.url ?? "", "http://x").searchParams.has("cursor");
    json(response, 200, { items: [], altered: [isFirst ? first : second], ...(isFirst && { nextCursor: "1" }) });
  });
  const forPrograms = await holdfast(["alert", "list", "--json"], { env });
  assert.deepEqual(JSON.parse(forPrograms.out), { items: [], altered: [first, second] });
  const forPeople = await holdfast(["alert", "list"], { env });
  assert.deepEqual([forPeople.exit, forPeople.out], [0, ""]);
  assert.equal(forPeople.err, `Altered in the database, so that nothing more is known of them: ${first} ${second}\n`);
});

test("a token that ends sooner than asked is said so", async (t) => {
  const env = await serve(t, (request, response) => {
    const { expiresIn } = JSON.parse(request.text);
    const expiresAt = expiresIn === "90d" ? "2026-06-02T12:00:00Z" : "2026-06-01T13:00:00Z";
    json(response, 201, { id: id("tok", 6), token: "hf_new", expiresAt });
  });
  const line = ["token", "create", "--name", "n", "--grant", "telemetry.read", "--expires"];
  assert.match((await holdfast([...line, "90d"], { env })).err, /ends 2026-06-02T12:00:00.000Z, sooner than 90d/);
  assert.doesNotMatch((await holdfast([...line, "1h"], { env })).err, /sooner/);
});

test("the first set-up takes its address and secret from the ready file and the password from a file or stdin", async (t) => {
  const folder = folderFor(t);
  const env = {
    ...(await serve(t, (request, response) => {
      const { secret, email, password } = JSON.parse(request.text);
      assert.deepEqual([request.headers.authorization, secret, email], [undefined, "hfu_1", "ada@example.com"]);
      json(response, 201, {
        org,
        person,
        token: password === "correct horse" ? "hf_good" : "hf_bad",
        expiresAt: createdAt,
      });
    })),
    XDG_CONFIG_HOME: folder,
  };
  const ready = path.join(folder, "ready.json");
  writeFileSync(
    ready,
    JSON.stringify({ pid: 1, url: env.HOLDFAST_URL, setupLink: `${env.HOLDFAST_URL}/#setup=hfu_1` }),
  );
  writeFileSync(path.join(folder, "password"), "correct horse\n");
  const line = [
    "setup",
    "--json",
    "--ready-file",
    ready,
    "--email",
    "ada@example.com",
    "--org",
    "Works",
    "--password-file",
  ];
  const made = await holdfast([...line, path.join(folder, "password"), "--login"], { env });
  assert.deepEqual(JSON.parse(made.out), { org, person, token: "hf_good", expiresAt: createdAt });
  assert.match(made.err, /shown this once/);
  assert.equal(statSync(path.join(folder, "holdfast", "profile.json")).mode & 0o777, 0o600);
  assert.equal(JSON.parse((await holdfast([...line, "-"], { env, stdin: "correct horse" })).out).token, "hf_good");
  const alone = await holdfast(line.slice(0, -1), { env });
  assert.deepEqual([alone.exit, JSON.parse(alone.err).error.code], [2, "usage"]);

  writeFileSync(ready, JSON.stringify({ pid: 1, url: env.HOLDFAST_URL }));
  assert.deepEqual(JSON.parse((await holdfast([...line, "-"], { env, stdin: "x" })).err).error.code, "setup.done");
  writeFileSync(ready, "half a fi");
  assert.equal((await holdfast([...line, "-"], { env, stdin: "x" })).exit, 2);
});

test("the first set-up takes the link as well, from a flag, from stdin or as it is typed unseen", async (t) => {
  const place = await serve(t, (request, response) => {
    const { secret, password } = JSON.parse(request.text);
    assert.deepEqual([secret, password], ["hfl_1", "correct horse"]);
    json(response, 201, { org, person, token: "hf_good", expiresAt: createdAt });
  });
  const folder = folderFor(t);
  writeFileSync(path.join(folder, "password"), "correct horse\n");
  const link = `${place.HOLDFAST_URL}/#setup=hfl_1`;
  const who = ["setup", "--email", "ada@example.com", "--org", "Works"];
  const line = [...who, "--password-file", path.join(folder, "password")];
  assert.equal((await holdfast([...line, "--link", link])).exit, 0);
  assert.equal((await holdfast([...line, "--link", "-"], { stdin: `${link}\n` })).exit, 0);
  const typed = [`${link}\r`, "correct horse\r", "correct horse\r"];
  const asked = await holdfast(who, { terminal: true, typed });
  assert.equal(asked.exit, 0, asked.err);
  assert.match(asked.err, /^Set-up link: /);
  assert.ok(!`${asked.out}${asked.err}`.includes("hfl_1"));

  const wrong: [readonly string[], RegExp][] = [
    [line, /--ready-file or --link is missing, and there is no terminal/],
    [[...line, "--link", "https://localhost/#other=hfl_1"], /That is no set-up link/],
    [[...line, "--link", "hfl_1"], /That is no set-up link/],
    [[...line, "--link", link, "--ready-file", "ready.json"], /give one of both/],
    [[...who, "--link", "-", "--password-file", "-"], /cannot both read stdin/],
  ];
  for (const [argv, message] of wrong) {
    const { exit, err } = await holdfast(argv);
    assert.equal(exit, 2);
    assert.match(err, message);
    assert.ok(!err.includes("hfl_1"));
  }
});

test("a person at a terminal is asked, and what she types hidden is not shown", async (t) => {
  const folder = folderFor(t);
  const env = {
    ...(await serve(t, (request, response) => {
      if (request.method === "GET") return json(response, 200, { ...me, expiresAt: createdAt });
      const body = JSON.parse(request.text);
      assert.deepEqual([body.email, body.password, body.expiresIn], ["ada@example.com", "correct horse", "8h"]);
      json(response, 201, { org, person, token: "hf_signed_in", expiresAt: createdAt });
    })),
    XDG_CONFIG_HOME: folder,
  };
  const line = ["login", "--email", "ada@example.com", "--expires", "8h"];
  const typed = ["correct horze\u007f\u007fse\r"];
  const { exit, out, err } = await holdfast(line, { env, terminal: true, typed });
  assert.equal(exit, 0, err);
  assert.match(err, /^Password: /);
  assert.ok(!`${out}${err}`.includes("horse"));
  assert.ok(!`${out}${err}`.includes("hf_signed_in"));
  assert.equal(JSON.parse(readFileSync(path.join(folder, "holdfast", "profile.json"), "utf8")).token, "hf_signed_in");
  writeFileSync(path.join(folder, "password"), "correct horse\n");
  const half = ["login", "--password-file", path.join(folder, "password"), "--expires", "8h"];
  const asked = await holdfast(half, { env, terminal: true, typed: ["ada@example.com\r"] });
  assert.equal(asked.exit, 0, asked.err);
  assert.match(asked.err, /E-mail: .*ada@example\.com/);
  assert.equal((await holdfast(line, { env, terminal: true, typed: ["\u0003"] })).exit, 1);
  for (const more of [["--open"], ["--org"]]) {
    const wrong = more[0] === "--open" ? [...line, ...more] : ["login", "--org", org];
    assert.equal((await holdfast(wrong, { env })).exit, 2);
  }
});

test("whoever has a second factor is asked for its code after the password, at a terminal", async (t) => {
  const codes: unknown[] = [];
  const env = {
    ...(await serve(t, (request, response) => {
      if (request.method === "GET") return json(response, 200, { ...me, expiresAt: createdAt });
      const { code } = JSON.parse(request.text);
      codes.push(code);
      if (code === undefined) return refuse(response, 403, "factor.required");
      json(response, 201, { org, person, token: "hf_signed_in", expiresAt: createdAt });
    })),
    XDG_CONFIG_HOME: folderFor(t),
  };
  const line = ["login", "--email", "ada@example.com"];
  const typed = ["correct horse\r", "123456\r"];
  const { exit, err } = await holdfast(line, { env, terminal: true, typed });
  assert.equal(exit, 0, err);
  assert.deepEqual(codes, [undefined, "123456"]);
  const byProgram = await holdfast([...line, "--password-file", "-", "--json"], { env, stdin: "correct horse" });
  assert.equal(JSON.parse(byProgram.err).error.code, "factor.required");
});

/** A platform that answers a program's questions in turn, and says who its token is. */
function letsIn(t: TestContext, answers: ((response: ServerResponse) => void)[]) {
  const asked: Record<string, string>[] = [];
  const served = serve(t, (request, response) => {
    if (request.method === "GET") return json(response, 200, { ...me, expiresAt: createdAt });
    const form = Object.fromEntries(new URLSearchParams(request.text));
    asked.push({ path: request.url ?? "", ...form });
    if (request.url === "/v1/oauth/revoke") return json(response, 200, {});
    if (request.url === "/v1/oauth/token") return answers.shift()?.(response);
    json(response, 200, {
      device_code: "hfd_code",
      user_code: "WDJB-MJHT",
      verification_uri: "https://works.example/activate",
      verification_uri_complete: "https://works.example/activate#WDJB-MJHT",
      expires_in: 600,
      interval: 5,
    });
  });
  return { asked, served };
}
const letIn = (response: ServerResponse) =>
  json(response, 200, { access_token: "hf_let_in", token_type: "Bearer", expires_in: 60, scope: "org.read" });

test("signing in by a browser shows where and with which code, opens nothing unasked, and waits as it is told", async (t) => {
  const folder = folderFor(t);
  const { asked, served } = letsIn(t, [
    (response) => refuse(response, 400, "activation.waiting"),
    (response) => refuse(response, 400, "activation.tooSoon"),
    (response) => refuse(response, 400, "activation.waiting"),
    (response) => (response.setHeader("retry-after", "40"), refuse(response, 429, "rate.exceeded")),
    (response) => void response.destroy(),
    (response) => refuse(response, 503, "storage.unavailable"),
    letIn,
  ]);
  const { HOLDFAST_URL } = await served;
  const env = { HOLDFAST_URL, XDG_CONFIG_HOME: folder };
  const pauses: number[] = [];
  const opened: string[] = [];
  const pause = async (milliseconds: number) => void pauses.push(milliseconds / 1_000);
  const open = async (url: string) => void opened.push(url);
  const line = ["login", "--expires", "7d", "--grant", "device.read", "--grant", "device.read:tag:site=new york"];
  const { exit, out, err } = await holdfast(line, { env, pause, open });
  assert.equal(exit, 0, err);
  assert.match(
    err,
    /^Open https:\/\/works\.example\/activate in a browser, on any device, and type this code:\n\n    WDJB-MJHT\n\n/,
  );
  assert.match(
    err,
    /Or follow https:\/\/works\.example\/activate#WDJB-MJHT and compare the code\. It is good for 10 minutes\./,
  );
  assert.match(
    out,
    /kept in +\S+profile\.json, which you alone may read: the system's keyring does not take it \(no keyring\)/,
  );
  assert.deepEqual(pauses, [5, 5, 10, 10, 40, 60, 60]);
  assert.deepEqual(opened, []);
  assert.deepEqual(asked[0], {
    path: "/v1/oauth/device_authorization",
    client_id: "holdfast-command",
    scope: "device.read device.read:tag:site=new%20york",
    machine: "ada's laptop",
    lifetime: "7d",
  });
  assert.deepEqual(asked[1], {
    path: "/v1/oauth/token",
    client_id: "holdfast-command",
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: "hfd_code",
  });
  assert.ok(!`${out}${err}`.includes("hf_let_in") && !`${out}${err}`.includes("hfd_code"));
  assert.equal(statSync(path.join(folder, "holdfast", "profile.json")).mode & 0o777, 0o600);
});

test("whoever is refused, or is too late, is told so and signed in nowhere; a browser that is not there is no hindrance", async (t) => {
  for (const code of ["activation.refused", "activation.expired", "activation.unknown"]) {
    const folder = folderFor(t);
    const { served } = letsIn(t, [(response) => refuse(response, 400, code)]);
    const env = { HOLDFAST_URL: (await served).HOLDFAST_URL, XDG_CONFIG_HOME: folder };
    const { exit, err } = await holdfast(["login", "--open"], { env });
    assert.equal(exit, 1);
    assert.match(err, new RegExp(`There is no browser\\.[^]*${code.replace(".", "\\.")}`));
    assert.ok(!existsSync(path.join(folder, "holdfast")));
  }
});

test("what opens is kept in the system's keyring where there is one, and nowhere else", async (t) => {
  const folder = folderFor(t);
  const { asked, served } = letsIn(t, [letIn, letIn]);
  const { HOLDFAST_URL } = await served;
  const env = { XDG_CONFIG_HOME: folder };
  const keyring = new Map<string, string>();
  const opened: string[] = [];
  const at = ["--url", HOLDFAST_URL];
  const signedIn = await holdfast(["login", "--open", ...at], {
    env,
    keyring,
    open: async (url) => void opened.push(url),
  });
  assert.equal(signedIn.exit, 0, signedIn.err);
  assert.match(signedIn.out, /kept in +the system's keyring\n/);
  assert.deepEqual(opened, ["https://works.example/activate#WDJB-MJHT"]);
  const file = path.join(folder, "holdfast", "profile.json");
  assert.deepEqual([...keyring], [[`${HOLDFAST_URL} (${file})`, '{"token":"hf_let_in"}']]);
  assert.ok(!readFileSync(file, "utf8").includes("hf_let_in"));
  assert.equal((await holdfast(["whoami"], { env, keyring })).exit, 0);

  const locked = await holdfast(["whoami"], { env });
  assert.deepEqual(
    [locked.exit, /keyring does not answer \(no keyring\)\. Unlock it, or sign in again/.test(locked.err)],
    [1, true],
  );
  const emptied = await holdfast(["whoami"], { env, keyring: new Map() });
  assert.deepEqual([emptied.exit, /keyring has nothing of this profile/.test(emptied.err)], [1, true]);

  const out = await holdfast(["logout", "--json"], { env, keyring });
  assert.deepEqual(JSON.parse(out.out), { signedIn: false, revoked: true });
  assert.deepEqual(asked.at(-1), { path: "/v1/oauth/revoke", token: "hf_let_in" });
  assert.deepEqual([keyring.size, existsSync(file)], [0, false]);

  // Whoever wants no keyring says so.
  const plain = await holdfast(["login", ...at, "--json"], { env: { ...env, HOLDFAST_KEYRING: "no" }, keyring });
  assert.deepEqual([JSON.parse(plain.out).kept, keyring.size], ["file", 0]);
  const shut = await holdfast(["logout"], { env: { ...env, HOLDFAST_KEYRING: "no" }, keyring });
  assert.equal(shut.exit, 0, shut.err);
});

test("a program gives the code of a second factor from a file, and who has a passkey alone is sent to a browser", async (t) => {
  const folder = folderFor(t);
  const codes: unknown[] = [];
  const env = {
    ...(await serve(t, (request, response) => {
      if (request.method === "GET") return json(response, 200, { ...me, expiresAt: createdAt });
      const { code } = JSON.parse(request.text);
      codes.push(code);
      if (code !== undefined) return json(response, 201, { org, person, token: "hf_signed_in", expiresAt: createdAt });
      const errors = [{ path: "passkey", message: "x" }];
      const problem = { type: "urn:x", title: "More.", status: 403, code: "factor.required", requestId: "req-1" };
      json(response, 403, { ...problem, errors });
    })),
    XDG_CONFIG_HOME: folder,
  };
  writeFileSync(path.join(folder, "password"), "correct horse\n");
  writeFileSync(path.join(folder, "code"), "654321\n");
  const login = ["login", "--email", "ada@example.com", "--password-file", path.join(folder, "password"), "--json"];
  const given = await holdfast([...login, "--code-file", path.join(folder, "code")], { env });
  assert.equal(given.exit, 0, given.err);
  assert.deepEqual(codes, ["654321"]);
  const { exit, err } = await holdfast(login, { env, terminal: true, typed: [] });
  assert.equal(exit, 2);
  assert.match(err, /Sign in by a browser: holdfast login, without --email/);
});

test("what a profile holds goes to its own address only, and is gone and ended after logout", async (t) => {
  const folder = folderFor(t);
  const tokens: (string | undefined)[] = [];
  const revoked: (string | undefined)[] = [];
  const env = await serve(t, (request, response) => {
    if (request.method === "POST") return (revoked.push(`${request.url} ${request.text}`), json(response, 200, {}));
    tokens.push(request.headers.authorization);
    json(response, 200, { credential: id("tok", 6), kind: "apiToken", org, grants: ["*"] });
  });
  writeFileSync(path.join(folder, "token"), "hf_mine\n");
  const place = { HOLDFAST_URL: env.HOLDFAST_URL, XDG_CONFIG_HOME: folder };
  const signedIn = await holdfast(["login", "--token-file", path.join(folder, "token"), "--json"], { env: place });
  assert.deepEqual(JSON.parse(signedIn.out), { url: env.HOLDFAST_URL, org, kept: "file" });
  const profiled = { XDG_CONFIG_HOME: folder };
  assert.equal((await holdfast(["whoami"], { env: profiled })).exit, 0);
  assert.equal((await holdfast(["whoami"], { env: { ...profiled, HOLDFAST_TOKEN: "hf_other" } })).exit, 0);
  assert.deepEqual(tokens, ["Bearer hf_mine", "Bearer hf_mine", "Bearer hf_other"]);
  const elsewhere = await serve(t, () => assert.fail("nothing may arrive"));
  assert.equal((await holdfast(["whoami"], { env: { ...profiled, HOLDFAST_URL: elsewhere.HOLDFAST_URL } })).exit, 2);

  assert.deepEqual(JSON.parse((await holdfast(["logout", "--json"], { env: profiled })).out), {
    signedIn: false,
    revoked: true,
  });
  assert.deepEqual(revoked, ["/v1/oauth/revoke token=hf_mine"]);
  assert.equal((await holdfast(["whoami"], { env: profiled })).exit, 2);
  assert.equal((await holdfast(["logout"], { env: profiled })).exit, 0);
});

test("following connects again after the platform ended the stream, until it refuses", async (t) => {
  const way = { transport: "mqtt", size: 40, topic: "me/telemetry", session: "pump" };
  const reading = { device, time: createdAt, values: { temperature: 21.5, note: "a\u001bb" }, ...way };
  const refused = {
    device,
    at: createdAt,
    action: "telemetry.write",
    ...way,
    code: "telemetry.tooMany",
    title: "Too many.",
    detail: "By one.",
    errors: [{ path: "t", message: "one too many" }],
    omitted: 7,
    because: "nothing grants it",
  };
  const gone = { device, at: createdAt, state: "offline", because: "the connection broke" };
  const all = [
    { event: "reading", ...reading },
    { event: "refused", ...refused },
    { event: "presence", ...gone },
  ];
  let calls = 0;
  const env = await serve(t, (request, response) => {
    calls += 1;
    assert.equal(request.url, `/v1/live?device=${device}`);
    if (calls === 3) return refuse(response, 401, "credential.invalid");
    response.writeHead(200, { "content-type": "text/event-stream" });
    const event = `event: reading\ndata: ${JSON.stringify(reading)}\n\nevent: refused\ndata: ${JSON.stringify(refused)}\n\nevent: presence\ndata: ${JSON.stringify(gone)}\n\nevent: news\ndata: {}\n\n`;
    if (calls === 1) response.end(`${event}event: end\ndata: {"because":"the platform is stopping"}\n\n`);
    else response.write(event, () => request.socket.destroy());
  });
  const pauses: number[] = [];
  const pause = async (milliseconds: number): Promise<void> => void pauses.push(milliseconds);
  const forPrograms = await holdfast(["device", "tail", device, "--json"], { env, pause });
  assert.equal(forPrograms.exit, 1);
  assert.deepEqual(
    forPrograms.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [...all, ...all],
  );
  assert.match(forPrograms.err, /the platform is stopping[^]*credential\.invalid/);
  assert.deepEqual(pauses, [500, 500]);
  calls = 1;
  const forPeople = await holdfast(["device", "tail", device], { env, pause });
  const lines = [
    `${createdAt}  temperature=21.5  note=a\\u{1b}b`,
    `${createdAt}  REFUSED telemetry.write me/telemetry over mqtt: Too many. By one. (telemetry.tooMany; nothing grants it)  and 7 before it that are not shown`,
    `${createdAt}  OFFLINE: the connection broke`,
  ];
  assert.equal(forPeople.out, `${lines.join("\n")}\n`);
});

test("strangers are followed only when they are asked for, and a line says from where and why", async (t) => {
  const stranger = {
    at: createdAt,
    address: "192.0.2.1",
    transport: "mqtt",
    code: "tls.untrusted",
    title: "No trust.",
  };
  let calls = 0;
  const env = await serve(t, (request, response) => {
    calls += 1;
    if (calls === 2) return refuse(response, 401, "credential.invalid");
    assert.equal(request.url, "/v1/live?strangers=true");
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`event: stranger\ndata: ${JSON.stringify(stranger)}\n\n`);
  });
  const { out } = await holdfast(["device", "tail", "--strangers"], { env, pause: async () => undefined });
  assert.equal(out, `${createdAt}  STRANGER from 192.0.2.1 over mqtt: No trust. (tls.untrusted)\n`);
});

test("values are sent as what they look like, or as text in quotes", async (t) => {
  const bodies: unknown[] = [];
  const env = await serve(t, (request, response) => {
    bodies.push(JSON.parse(request.text));
    json(response, 200, { accepted: 1 });
  });
  const line = ["telemetry", "send", device, "t=-2.5", "on=true", 'serial="007"', "note=21 °C", "e=", "--time", "-1h"];
  assert.equal((await holdfast(line, { env })).exit, 0);
  const values = { t: -2.5, on: true, serial: "007", note: "21 °C", e: "" };
  assert.deepEqual(bodies, [{ time: "2026-06-01T11:00:00.000Z", values }]);
  assert.equal((await holdfast(["telemetry", "send", device, "x=null"], { env })).exit, 2);
});

test("a question about several devices is one request, and its answer a table or JSON", async (t) => {
  const env = await serve(t, (request, response) => {
    assert.deepEqual(JSON.parse(request.text), {
      devices: [device],
      tags: { site: "north" },
      attributes: ["t", "h"],
      from: "2026-06-01T11:00:00.000Z",
      every: "1d",
      aggregates: ["avg", "p95"],
      fill: "linear",
      timezone: "Asia/Kathmandu",
    });
    const items = [{ time: createdAt, avg: 21.5, p95: null }];
    json(response, 200, { series: [{ device, attribute: "t", type: "number", items }] });
  });
  const flags = "--tag site=north --attribute t --attribute h --from -1h --every 1d --aggregate avg,p95 --fill linear";
  const line = ["telemetry", "query", device, ...flags.split(" "), "--timezone", "Asia/Kathmandu"];
  const forPeople = await holdfast(line, { env });
  assert.match(forPeople.out, new RegExp(`TIME +DEVICE +ATTRIBUTE +AVG +P95\\n${createdAt}  ${device}  t +21.5 +null`));
  assert.equal(JSON.parse((await holdfast([...line, "--json"], { env })).out).series[0].items[0].avg, 21.5);
  assert.equal((await holdfast([...line, "--timezone", "Mars/Olympus"], { env })).exit, 2);
});

test("the newest values of one device are its own page, those of several one request", async (t) => {
  const env = await serve(t, (request, response) => {
    const point = { attribute: "t", time: createdAt, value: 21.5 };
    if (request.method === "GET") return json(response, 200, { items: [point] });
    assert.deepEqual(JSON.parse(request.text), { tags: { site: "north" }, attributes: ["t"] });
    json(response, 200, { items: [{ device, ...point }] });
  });
  assert.match(
    (await holdfast(["telemetry", "latest", device], { env })).out,
    /^ATTRIBUTE +VALUE +TIME +WHEN\nt +21\.5/,
  );
  const line = ["telemetry", "latest", "--tag", "site=north", "--attribute", "t"];
  const { out } = await holdfast(line, { env });
  assert.match(out, new RegExp(`^DEVICE +ATTRIBUTE +VALUE +TIME +WHEN\\n${device}  t +21\\.5`));
});

test("an export is a file once it is whole; one that was cut off stays a part, and is a failure", async (t) => {
  let isCut = false;
  const env = await serve(t, (_, response) => {
    response.writeHead(200, { "content-type": "text/csv", "holdfast-points": "2" });
    response.write("device,attribute,time,value\r\n");
    if (isCut) setTimeout(() => response.destroy(), 20);
    else response.end("d,t,2026-06-01T11:00:00.000Z,1\r\n");
  });
  const folder = folderFor(t);
  const output = path.join(folder, "all.csv");
  const line = ["telemetry", "export", device, "--from", "-1h"];
  const whole = await holdfast([...line, "--output", output, "--json"], { env });
  assert.deepEqual([whole.exit, JSON.parse(whole.out)], [0, { file: output, bytes: 61 }]);
  assert.equal(readFileSync(output, "utf8").split("\r\n").length, 3);
  assert.equal((await holdfast(line, { env })).out, readFileSync(output, "utf8"));
  isCut = true;
  const cut = path.join(folder, "cut.csv");
  assert.equal((await holdfast([...line, "--output", cut], { env })).exit, 3);
  assert.deepEqual([existsSync(cut), existsSync(`${cut}.part`)], [false, true]);
});

test("codes for boxes are made for all devices of a product, however many there are", async (t) => {
  const last = id("dev", 9);
  const env = await serve(t, (request, response) => {
    const { searchParams, pathname } = new URL(request.url ?? "", "https://x");
    if (pathname.endsWith("/claim-code")) return json(response, 201, { code: "0000-1111", state: "good" });
    if (pathname.endsWith("/claim")) return json(response, 200, { state: "unclaimed", code: "none" });
    const from = Number(searchParams.get("cursor") ?? 0);
    const theirs = Array.from({ length: 1_000 }, () => ({ ...pump, user: id("usr", 7) }));
    if (from < 12_000) return json(response, 200, { items: theirs, total: 12_001, nextCursor: String(from + 1_000) });
    json(response, 200, { items: [{ ...pump, id: last, name: "Last" }], total: 12_001 });
  });
  const { exit, out, err } = await holdfast(["device", "codes", "--product", id("prd", 8)], { env });
  assert.equal(exit, 0, err);
  assert.deepEqual(out.trim().split("\n"), ["device,name,code", `${last},Last,0000-1111`]);
});

test("a door is changed only as it was read: where somebody else changed it meanwhile, that is said", async (t) => {
  const [door, clauses, version] = [{ dangerous: ["unlock"] }, [], 7];
  const env = await serve(t, (request, response) => {
    if (request.method === "GET") return json(response, 200, { door, clauses, version });
    assert.equal(request.headers["if-match"], '"7"');
    assert.deepEqual(JSON.parse(request.text), { ...door, tls: "TLSv1.3" });
    refuse(response, 412, "request.conflict");
  });
  const { exit, err } = await holdfast(["door", "set", device, "--tls", "TLSv1.3", "--json"], { env });
  assert.deepEqual([exit, JSON.parse(err).error.code], [1, "request.conflict"]);
});
