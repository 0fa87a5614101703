import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { read } from "../tools/documents/markdown.ts";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";

// docs/application-users.md as somebody follows it: its blocks in their order, in one shell, with a real platform.
const root = path.dirname(import.meta.dirname);
const platform = await startTestPlatform();
atEnd.after(() => platform.close());

/** What a page shows, as a pattern: `…` is anything within a line. */
function shown(text: string): RegExp {
  const parts = text.trimEnd().split("…");
  return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join(".*")}$`);
}

test("the commands of docs/application-users.md do and answer what it says", async () => {
  const { folder } = platform.database;
  const { url, caPem = "" } = platform.platform;
  writeFileSync(path.join(folder, "ca.pem"), caPem);
  const { token } = await platform.setUp();
  const { blocks } = read(readFileSync(path.join(root, "docs/application-users.md"), "utf8"));
  const steps = blocks.filter(({ language }) => language === "sh");
  assert.ok(steps.length > 5);
  const mark = "-- next --";
  const script = ["set -e", ...steps.flatMap(({ text }) => [text, `echo '${mark}'`])].join("\n");
  const child = spawn("/bin/sh", ["-c", script], {
    cwd: root,
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      XDG_CONFIG_HOME: folder,
      HOME: folder,
      npm_config_update_notifier: "false",
      HOLDFAST_URL: url,
      HOLDFAST_CA_FILE: path.join(folder, "ca.pem"),
      HOLDFAST_TOKEN: token,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (text: Buffer) => (out += text.toString()));
  child.stderr.on("data", (text: Buffer) => (err += text.toString()));
  const [code] = await once(child, "close");
  assert.equal(code, 0, out + err);
  const answers = out.split(mark);
  for (const [at, step] of steps.entries()) {
    const next = blocks[blocks.indexOf(step) + 1];
    const expected = next?.language === "text" ? shown(next.text) : /^$/;
    assert.match((answers[at] ?? "").trim(), expected, `docs/application-users.md:${step.line}`);
  }
});
