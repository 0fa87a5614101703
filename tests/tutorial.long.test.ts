import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { read, type Block } from "../tools/documents/markdown.ts";
import { startBrowser, visit } from "./browser.fixture.ts";
import { buildConsole, signIn } from "./console.fixture.ts";
import { readReady } from "./server.fixture.ts";

// docs/tutorial.md as somebody follows it: its blocks in their order, in one shell, with a real platform on free ports, and a browser
// beside it.
const root = path.dirname(import.meta.dirname);
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-tutorial-"));
chmodSync(folder, 0o711); // started by root the platform becomes somebody else, who must get through
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

/** What the reader has: where to clone from, ports that are free, and settings of her own. */
const env = {
  PATH: process.env["PATH"],
  NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
  NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"], // where packages come through a gateway of the reader's own network
  HOME: folder,
  XDG_CONFIG_HOME: path.join(folder, "config"),
  npm_config_update_notifier: "false",
  SOURCE: root,
  HOLDFAST_HTTPS_PORT: "0",
  HOLDFAST_MQTTS_PORT: "0",
};
const text = readFileSync(path.join(root, "docs/tutorial.md"), "utf8");
const { blocks } = read(text);
const starts = ({ text }: Block): boolean => text.includes("npm start");
/** Programs that a reader may lack. Git and Node she has. */
const isThere = (program: string): boolean => spawnSync(program, ["--help"], { stdio: "ignore" }).error === undefined;

/** A shell that keeps its variables from one block to the next. */
class Shell {
  readonly #child = spawn("/bin/sh", { cwd: folder, env, stdio: ["pipe", "pipe", "inherit"] });
  readonly #ended = once(this.#child, "exit");
  #said = "";

  constructor() {
    this.#child.stdin.write("exec 2>&1\n");
    this.#child.stdout.on("data", (text: Buffer) => (this.#said += text.toString()));
  }

  /** Everything that the block wrote, and how its last command ended. */
  async run(text: string): Promise<{ code: number; out: string }> {
    const file = path.join(folder, "block.sh");
    writeFileSync(file, text);
    this.#said = "";
    this.#child.stdin.write(`. '${file}' </dev/null\nprintf '\\nended with %s;' "$?"\n`);
    const end = /\nended with (\d+);$/;
    while (!end.test(this.#said)) {
      const [more] = await Promise.race([once(this.#child.stdout, "data"), this.#ended]);
      assert.ok(more instanceof Buffer, this.#said);
    }
    // What the command says when the platform takes its time, which it may on a busy machine.
    const out = this.#said.replace(end, "").replaceAll(/^Waiting for .* …\n/gm, "");
    return { code: Number(end.exec(this.#said)?.[1]), out: out.trimEnd() };
  }

  close(): void {
    this.#child.stdin.end();
  }
}

/** What a page shows, as a pattern: `…` is anything within a line. */
function shown(text: string): RegExp {
  const parts = text.trimEnd().split("…");
  return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join(".*")}$`);
}

/** A clone has what was committed. What is installed and what was changed since is put into it, which spares minutes. */
function complete(clone: string): void {
  const changed = ["-C", root, "ls-files", "-z", "--modified", "--others", "--exclude-standard", "--deduplicate"];
  for (const file of spawnSync("git", changed, { encoding: "utf8" }).stdout.split("\0")) {
    if (file === "") continue;
    rmSync(path.join(clone, file), { force: true });
    cpSync(path.join(root, file), path.join(clone, file), { recursive: true, force: true });
  }
  install(clone);
  buildConsole();
  cpSync(path.join(root, "apps/console/dist"), path.join(clone, "apps/console/dist"), { recursive: true });
}

/** What npm would install, by links; but what is of this repository is the clone's own, as npm has it. */
function install(clone: string): void {
  const [from, to] = [path.join(root, "node_modules"), path.join(clone, "node_modules")];
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const isOwn = name === "@holdfast" || name === ".bin";
    if (isOwn) cpSync(path.join(from, name), path.join(to, name), { recursive: true, verbatimSymlinks: true });
    else if (name === ".cache") continue;
    else if (name.startsWith(".")) cpSync(path.join(from, name), path.join(to, name));
    else symlinkSync(path.join(from, name), path.join(to, name));
  }
}

/** The first terminal: it says where the platform is, and keeps it until the test ends. Answers what it said. */
async function start(t: TestContext, text: string): Promise<string> {
  const child = spawn("/bin/sh", ["-c", text], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (more: Buffer) => (said += more.toString()));
  const ended = once(child, "close");
  t.after(async () => {
    // Ctrl-C goes to everybody in the terminal.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGINT");
    await ended;
  });
  while (!said.includes("set-up link is in")) {
    await Promise.race([once(child.stdout, "data"), ended]);
    assert.equal(child.exitCode, null, said);
  }
  return said;
}

const ready = () => readReady(path.join(folder, "holdfast/.data/keys/ready.json"));
const one = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? assert.fail(`the tutorial has no ${pattern}`);
const reader = { email: one(/--email (\S+) --org/), password: one(/echo '([^']+)' > password.txt/) };

type Reader = { readonly page: Page; readonly shell: Shell; readonly said: string };

/** What is done in a browser, by the sentence that says so. */
const inBrowser: Readonly<Record<string, (reader: Reader) => Promise<void>>> = {
  "The set-up link that the start printed opens a page that asks for them.": async ({ page, said }) => {
    const { fingerprint256 } = new X509Certificate(readFileSync(ready().caFile));
    assert.ok(said.replaceAll(/\s+/g, ":").includes(fingerprint256), said);
    await page.goto(ready().setupLink ?? "");
    for (const label of ["Your e-mail", "A password", "The password again", "Name of your organisation"])
      assert.ok(await page.getByLabel(label).isEditable(), label);
    await page.getByRole("button", { name: "Set up" }).waitFor(); // which the command presses
  },
  "In the console, *Devices* and *Add a device* give the same for ten kinds of client, and wait for the first reading.":
    async ({ page }) => {
      await page.goto(`${ready().url}/`);
      await signIn(page, reader);
      await page.getByRole("link", { name: "Devices", exact: true }).click();
      await page.getByRole("button", { name: "Add a device" }).click();
      await page.getByRole("textbox", { name: "Name", exact: true }).fill("Pump 2");
      await page.getByRole("button", { name: "Add a device" }).click();
      await page.getByText("Waiting for the first reading").waitFor();
      assert.equal(await page.getByRole("tablist", { name: "Client" }).getByRole("tab").count(), 10);
    },
  "choose *Devices*, *Pump*, *Telemetry*. Send 23.5 while you look, as you sent 21.5: it appears within a second.":
    async ({ page, shell }) => {
      for (const name of ["Devices", "Pump", "Telemetry"]) await page.getByRole("link", { name, exact: true }).click();
      await page.getByRole("img", { name: "temperature over time" }).waitFor();
      const sending = blocks.find((block) => block.text.startsWith("curl "))?.text ?? "";
      let taken = Infinity;
      // Where others have the cores for a second, one more is as good.
      for (let value = 23.5; taken >= 1_500 && value < 26; value++) {
        const { code, out } = await shell.run(sending.replace("21.5", String(value)));
        assert.equal(code, 0, out);
        const sent = performance.now();
        await page
          .getByRole("cell", { name: String(value), exact: true })
          .first()
          .waitFor();
        taken = performance.now() - sent;
      }
      assert.ok(taken < 1_500, `${taken} ms until a reading was in the table`);
    },
};

/** The prose above a block, up to the one before. */
function above({ line }: Block): string {
  const lines = text.split("\n").slice(0, line - 2);
  return lines.slice(lines.findLastIndex((one) => one.startsWith("```")) + 1).join(" ");
}

const without = isThere("curl") ? false : "there is no curl";

test("the tutorial's commands and its clicks do and answer what it says", { skip: without }, async (t) => {
  const shell = new Shell();
  t.after(() => shell.close());
  const browser = await startBrowser();
  t.after(() => browser.close());
  const { page, complaints } = await visit(browser);
  let said = "";
  let looked = 0;

  async function follow(block: Block, next: Block | undefined): Promise<void> {
    const where = `docs/tutorial.md:${block.line}`;
    const { code, out } = await shell.run(block.text);
    assert.equal(code, 0, `${where}: ${out}`);
    assert.match(out, next?.language === "text" ? shown(next.text) : /^$/, where);
    if (block.text.startsWith("git ")) complete(path.join(folder, "holdfast"));
  }

  for (const [at, block] of blocks.entries()) {
    if (block.language !== "sh") continue;
    const skip = block.text.startsWith("mosquitto_pub ") && !isThere("mosquitto_pub");
    let isDone = true;
    for (const [sentence, look] of Object.entries(inBrowser)) {
      if (!above(block).includes(sentence)) continue;
      isDone = false;
      await t.test(sentence, async () => {
        await look({ page, shell, said });
        looked += 1;
        isDone = true;
      });
      if (!isDone) return;
    }
    isDone = skip;
    await t.test(`line ${block.line}: ${block.text.trim().split("\n").at(-1)}`, { skip }, async () => {
      if (starts(block)) said = await start(t, block.text);
      else await follow(block, blocks[at + 1]);
      isDone = true;
    });
    if (!isDone) return; // what follows needs it
  }
  assert.equal(looked, Object.keys(inBrowser).length, "every sentence of `inBrowser` stands in the tutorial");
  // Before anybody is signed in the browser tells of the 401 that says so.
  assert.deepEqual(
    complaints.filter((complaint) => !complaint.includes("401")),
    [],
  );
});
