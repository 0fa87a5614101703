import { openWithPassphrase, sealWithPassphrase } from "@holdfast/crypto";
import { Refusal, systemClock, systemRandom } from "@holdfast/kernel";
import { z } from "zod";
import { keepSealed, readSealed } from "./backup-file.ts";
import { within } from "./closed.ts";
import type { siteOf } from "./program.ts";
import { Keyring } from "./storage/index.ts";
import { bringSpareBack, takeSpareOut } from "./tls/index.ts";

// `holdfast keys take-spare` and `bring-spare`: the private key of the platform's spare root, in a file that somebody keeps elsewhere.

const spareFile = z.object({ kind: z.literal("holdfast/spare-root"), certificate: z.string(), key: z.string() });
type SpareFile = z.infer<typeof spareFile>;
type Site = ReturnType<typeof siteOf>;

const shortestPassphrase = 12; // as of a keys backup: whoever has the file can try for as long as they like

/** Seals it into a file, sees that the file opens, and only then drops it from the keyring. @throws Refusal */
export async function takeSpare(file: string, passphrase: string, site: Site): Promise<void> {
  if (passphrase.length < shortestPassphrase) throw new Refusal("password.weak");
  await withKeyring(site, (keyring) =>
    takeSpareOut(keyring, systemClock.now(), async ({ certificate, key }) => {
      const said: SpareFile = { kind: "holdfast/spare-root", certificate, key };
      const sealed = await sealWithPassphrase(passphrase, new TextEncoder().encode(JSON.stringify(said)), systemRandom);
      within("--out", () => keepSealed(sealed, file));
      await openSpare(file, passphrase);
    }),
  );
}

/** @throws Refusal `backup.wrong`, `config.malformed` */
export async function bringSpare(file: string, passphrase: string, site: Site): Promise<void> {
  const spare = await openSpare(file, passphrase);
  await withKeyring(site, (keyring) => bringSpareBack(keyring, spare));
}

async function openSpare(file: string, passphrase: string): Promise<SpareFile> {
  const bytes = await openWithPassphrase(passphrase, readSealed(file));
  const read = spareFile.safeParse(jsonOf(bytes));
  if (!read.success) throw new Refusal("config.malformed", { detail: `${file} holds no spare root.` });
  return read.data;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // sealed by something else; the cause would quote it
  }
}

async function withKeyring(site: Site, work: (keyring: Keyring) => Promise<void>): Promise<void> {
  const keyring = await Keyring.openBeside(site);
  try {
    await work(keyring);
  } finally {
    await keyring.close();
  }
}
