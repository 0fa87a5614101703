import { spawn } from "node:child_process";
import { Hindrance } from "./failure.ts";

/** What shows a page on each system. No shell reads the address: it came over the network. */
const openers: Partial<Record<NodeJS.Platform, readonly [program: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Shows a page in the person's browser; what that does then is its own matter. @throws Hindrance when there is none to be started */
export function openInBrowser(url: string): Promise<void> {
  const [program, ...args] = openers[process.platform] ?? ["xdg-open"];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
    child.once("error", (cause) => reject(new Hindrance(`No browser can be started here (${program}).`, { cause })));
    child.once("spawn", () => {
      child.unref();
      resolve();
    });
  });
}
