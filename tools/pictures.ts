import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildConsole, exampleOn, startBrowser, started, takePictures } from "./seen/index.ts";

// Takes the pictures of the console in docs/pictures again, of a platform of its own with made-up data.
const root = path.dirname(import.meta.dirname);
const pictures = path.join(root, "docs/pictures");
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-pictures-"));
chmodSync(folder, 0o711); // started by root the platform becomes somebody else, who must get through
mkdirSync(pictures, { recursive: true });
try {
  buildConsole();
  const main = path.join(root, "apps/server/src/main.ts");
  const places = ["--data", path.join(folder, "data"), "--https-port", "0", "--mqtts-port", "0"];
  const server = await started([process.execPath, main, ...places], {
    cwd: folder,
    readyFile: path.join(folder, "ready.json"),
    seconds: 60,
  });
  const example = await exampleOn(server.ready);
  const browser = await startBrowser();
  try {
    const taken = await takePictures(browser, { url: server.ready.url, example, folder: pictures });
    for (const { name, bytes } of taken) process.stdout.write(`docs/pictures/${name}.png  ${bytes} bytes\n`);
  } finally {
    await browser.close();
    await example.close();
    await server.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
