import { createPrivateKey, X509Certificate } from "node:crypto";
import { Refusal } from "@holdfast/kernel";
import { dropSpare, openRoot, readKept, readSpare, writeSpare, type SecretPlace } from "./kept.ts";
import { chooseRoots } from "./roots.ts";
import type { Signed } from "./sign.ts";

/**
 * Takes the spare's private key out of the keyring, so that whoever steals that does not have it. `keep` puts it elsewhere, for good, before it
 * is dropped here. @throws Refusal `roots.notOurs`, `roots.spareAway`
 */
export async function takeSpareOut(
  secrets: SecretPlace,
  now: number,
  keep: (spare: Signed) => Promise<void>,
): Promise<void> {
  const kept = await readKept(secrets);
  const { spare } = chooseRoots((kept?.roots ?? []).map(openRoot), now);
  if (!spare) throw new Refusal("roots.notOurs");
  const whole = await readSpare(secrets, spare.certificate);
  if (!whole) throw new Refusal("roots.spareAway");
  await keep(whole);
  await dropSpare(secrets, spare.certificate);
}

/** Puts it back. @throws Refusal `roots.notOurs`, `config.malformed` where it is no spare of this platform */
export async function bringSpareBack(secrets: SecretPlace, spare: Signed): Promise<void> {
  const kept = await readKept(secrets);
  if (!kept) throw new Refusal("roots.notOurs");
  const isOurs = kept.roots.some(({ role, certificate }) => role === "spare" && certificate === spare.certificate);
  if (!isOurs || !new X509Certificate(spare.certificate).checkPrivateKey(createPrivateKey(spare.key)))
    throw new Refusal("config.malformed", { detail: "This file holds no key of a spare root of this platform." });
  await writeSpare(secrets, spare);
}
