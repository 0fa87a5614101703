import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { uncompiled, uncompiledSketch } from "./arduino.fixture.ts";
import { Owner } from "./authority.fixture.ts";
import { startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// "Add a device" in the console: each program that it shows is run as it stands there, and delivers.
buildConsole();
const platform = await startTestPlatform({ config: { udpPort: 0, tcpPort: 0 } });
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const owner = new Owner(platform.visitor, await platform.setUp());
await owner.application();
const { url, caPem = "" } = platform.platform;

const root = path.join(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "snippets-"));
atEnd.after(async () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(path.join(folder, "ca.pem"), caPem);
// As `npm install` of these would leave it.
mkdirSync(path.join(folder, "node_modules/@holdfast"), { recursive: true });
symlinkSync(path.join(root, "node_modules/mqtt"), path.join(folder, "node_modules/mqtt"));
symlinkSync(path.join(root, "packages/device"), path.join(folder, "node_modules/@holdfast/device"));

const fileOf = (name: string, text: string): string => {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};
const run = (program: string, ...args: string[]) =>
  promisify(execFile)(program, args, { cwd: folder, timeout: 60_000 });
/** How to run what stands under a name; why it cannot be where this machine has not what it takes. */
type Way = {
  readonly skip: string | false;
  /** What has to be pressed before there is something to run. */
  prepare?(page: Page): Promise<unknown>;
  /** What its programs are called, where there are several. */
  readonly programs?: readonly string[];
  run(text: string): Promise<unknown>;
};

/** Node-RED's program, where it is installed. */
const nodeRed = (process.env["PATH"] ?? "")
  .split(path.delimiter)
  .map((place) => path.join(place, "node-red"))
  .find((file) => existsSync(file));

const nodeRedSettings = {
  uiHost: "127.0.0.1",
  uiPort: 0,
  credentialSecret: false,
  telemetry: { enabled: false, updateNotification: false },
};

/** What its editor does with a flow that was pasted: deploys it. It is there until the end. */
async function importInNodeRed(flow: string): Promise<void> {
  const settings = fileOf("settings.js", `module.exports = ${JSON.stringify(nodeRedSettings)};`);
  const args = [realpathSync(nodeRed ?? assert.fail()), "--settings", settings, "--userDir", path.join(folder, "red")];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  atEnd.after(async () => void child.kill("SIGKILL"));
  const ended = once(child, "close");
  let said = "";
  child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
  // It takes as long as the machine is busy.
  while (!/Server now running at http:..127.0.0.1:\d+/.test(said) || !said.includes("Started flows")) {
    await Promise.race([once(child.stdout, "data"), ended]);
    assert.equal(child.exitCode ?? child.signalCode, null, `Node-RED does not come: ${said}`);
  }
  const [at] = /http:..127.0.0.1:\d+/.exec(said) ?? assert.fail();
  const headers = { "content-type": "application/json", "node-red-deployment-type": "full" };
  const { status } = await fetch(`${at}/flows`, { method: "POST", headers, body: flow });
  assert.equal(status, 204, said);
}
const byShell = (program: string): Way => ({
  skip: spawnSync(program, ["--help"]).error ? `there is no ${program}` : false,
  run: (text) => run("/bin/sh", "-c", text),
});
const byNode = (name: string): Way => ({ skip: false, run: (text) => run(process.execPath, fileOf(name, text)) });
const ways: Readonly<Record<string, Way>> = {
  mosquitto: byShell("mosquitto_pub"),
  curl: byShell("curl"),
  Python: {
    skip:
      spawnSync("python3", ["-c", "import paho.mqtt.publish"]).status !== 0 &&
      "this Python has no paho-mqtt (python3-paho-mqtt)",
    run: (text) => run("python3", fileOf("reading.py", text)),
  },
  "MQTT.js": byNode("mqttjs.mjs"),
  "Node, our package": byNode("device.mjs"),
  C: {
    skip: uncompiled("cc", ["--version"]),
    run(text) {
      const program = path.join(folder, "reading");
      const flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-o", program];
      assert.equal(uncompiled("cc", [...flags, fileOf("reading.c", text), "-lssl", "-lcrypto"]), false);
      return run(program);
    },
  },
  Arduino: {
    skip: uncompiled("c++", ["--version"]),
    run(text) {
      const program = path.join(folder, "sketch");
      assert.equal(uncompiledSketch(text, program, "sendFirstReading();"), false);
      return run(program);
    },
  },
  "Direct socket": {
    skip: uncompiled("cc", ["--version"]),
    async prepare(page) {
      await page.getByRole("button", { name: "Make the secret" }).click();
      const take = page.getByRole("button", { name: "Download socket.c" }).first();
      const [download] = await Promise.all([page.waitForEvent("download"), take.click()]);
      await download.saveAs(path.join(folder, download.suggestedFilename()));
    },
    programs: ["Over UDP, with the encoder in C", "Over TCP, with the encoder in C"],
    run: (text) => run("/bin/sh", "-ec", text),
  },
  "ESP-IDF": {
    skip: uncompiled("cc", ["--version"]),
    run(text) {
      const program = path.join(folder, "esp");
      const flags = [
        "-std=gnu17",
        "-Wall",
        "-Wextra",
        "-Wno-unused-parameter",
        "-Werror",
        "-I",
        path.join(import.meta.dirname, "esp-idf"),
      ];
      const source = fileOf("esp.c", `${text}\n\nint main(void) {\n    send_first_reading();\n}\n`);
      assert.equal(uncompiled("cc", [...flags, "-o", program, source, "-lssl", "-lcrypto"]), false);
      return run(program);
    },
  },
  "Node-RED": { skip: nodeRed === undefined && "there is no node-red", run: importInNodeRed },
};

test("each program that the wizard shows delivers a first reading", async (t) => {
  const entrance = new Entrance(browser, platform);
  const { page } = await entrance.at(t, `${url}/o/${owner.org}/devices/add`);
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Pump 1");
  await page.getByRole("button", { name: "Add a device" }).click();
  await page.getByText("Waiting for the first reading …").waitFor();
  const device = (await owner.asks.get<{ items: { id: string }[] }>("/v1/devices?limit=10")).items[0]?.id;
  const count = async () =>
    (await owner.asks.get<{ items: unknown[] }>(`/v1/devices/${device}/telemetry?attribute=temperature`)).items.length;
  const tabs = await page.getByRole("tab").allInnerTexts();
  assert.deepEqual(tabs.toSorted(), Object.keys(ways).toSorted(), "each has a way here");
  for (const name of tabs) {
    const way = ways[name] ?? assert.fail();
    await t.test(name, { skip: way.skip }, async () => {
      await page.getByRole("tab", { name, exact: true }).click();
      await way.prepare?.(page);
      for (const program of way.programs ?? [name]) {
        const text = await page.getByRole("tabpanel").getByLabel(program, { exact: true }).innerText();
        const before = await count();
        await way.run(text);
        await eventually(
          async () => (await count()) === before + 1,
          () => "nothing arrived",
        );
      }
    });
  }
  await page.getByText("The first reading is here.").waitFor();
});

test("a direct socket is begun where the product opened them, and where it did not it is said what to change", async (t) => {
  const tracker = await owner.product();
  await owner.asks.put(`/v1/products/${tracker.id}/door`, { transports: ["mqtts", "socket"] });
  const entrance = new Entrance(browser, platform);
  const begin = async (name: string) => {
    const { page } = await entrance.at(t, `${url}/o/${owner.org}/devices/add`);
    await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await page.getByLabel("Product").selectOption(tracker.id);
    await page.getByRole("button", { name: "Add a device" }).click();
    await page.getByRole("tab", { name: "Direct socket" }).click();
    await page.getByRole("button", { name: "Make the secret" }).click();
    return page.getByRole("tabpanel");
  };
  await (await begin("Tracker 1")).getByText("The secret of the socket").waitFor();

  await owner.asks.put(`/v1/products/${tracker.id}/door`, { transports: ["mqtts"] });
  const refused = await begin("Tracker 2");
  await refused.getByText("or change the product's door.").waitFor();
  assert.equal(await refused.getByText("wss").count(), 0, "it asks for nothing but sockets");
});
