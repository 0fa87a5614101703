import { createHash, X509Certificate } from "node:crypto";
import { mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import chromium from "@sparticuz/chromium";
import { chromium as driver, type Browser, type BrowserContext, type Page } from "playwright-core";

/** Chromium as npm brings it. It unpacks itself once; each user of a machine has a place of their own. */
export async function startBrowser(): Promise<Browser> {
  const { uid } = userInfo();
  const place = path.join(tmpdir(), `holdfast-browser-${uid}`);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = place;
  try {
    return await driver.launch({
      executablePath: await chromium.executablePath(),
      headless: true,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    });
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}
