import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { buildConsole } from "./console.fixture.ts";
import { http2, placeOf } from "./clients.fixture.ts";

buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const client = http2(placeOf(platform));
atEnd.after(async () => client[Symbol.dispose]());
const get = (path: string, headers: Record<string, string> = {}) => client.ask({ ":path": path, ...headers });

test("every place of the console is one page, whose policy takes what carries this answer's nonce and nothing else", async () => {
  const nonces = new Set<string>();
  for (const path of ["/", "/sign-in", "/set-up", "/o/org_1/devices?q=state%3Aactive"]) {
    const { status, headers, text } = await get(path);
    assert.equal(status, 200, path);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    const policy = String(headers["content-security-policy"]);
    const [, nonce = ""] = /script-src 'nonce-([\w+/=]{24})' 'strict-dynamic';/.exec(policy) ?? [];
    assert.match(policy, /^default-src 'none'; .*frame-ancestors 'none'$/);
    assert.ok(!policy.includes("unsafe"));
    nonces.add(nonce);
    for (const [tag] of text.matchAll(/<(?:script|link|style|meta property)[^>]*>/g)) {
      if (!tag.includes('rel="icon"')) assert.ok(tag.includes(`nonce="${nonce}"`), tag);
    }
    assert.ok(!/https?:\/\//.test(text), "nothing comes from elsewhere");
    assert.equal(headers["cache-control"], "no-store");
  }
  assert.equal(nonces.size, 4, "a nonce is for one answer");
});

test("its files may be kept for ever, are compressed where the client can read that, and are at most 250 kB at first", async () => {
  const { text } = await get("/");
  const files = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
  assert.ok(files.length >= 2);
  let size = Buffer.byteLength(text);
  for (const path of files) {
    const plain = await get(path);
    const small = await get(path, { "accept-encoding": "gzip, br" });
    assert.equal(small.headers["content-encoding"], "br");
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.match(String(plain.headers["cache-control"]), /immutable/);
    assert.equal(plain.headers["x-content-type-options"], "nosniff");
    size += Number(small.headers["content-length"]);
  }
  assert.ok(size <= 250_000, `${size} bytes`);
});

test("what is no place of the console is refused as everywhere", async () => {
  for (const path of ["/assets/none.js", "/assets/../index.html", "/index.html", "/o", "/v1/none", "/.stamp"]) {
    const { status, text } = await get(path);
    assert.equal(status, 404, path);
    assert.match(text, /"code":"route.unknown"/);
  }
  assert.equal((await client.ask({ ":path": "/", ":method": "POST" })).status, 404);
});
