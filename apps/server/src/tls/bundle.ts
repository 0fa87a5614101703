import { sign } from "node:crypto";
import { pemOf } from "./certificate.ts";
import { openRoot, signerOf, type Kept, type Root } from "./kept.ts";

/**
 * What devices are told to trust, in the order in which roots were made: all that did not end by our own word. One that is unusable today may be
 * so because the clock is wrong, and is what the devices know.
 */
const toldIn = ({ roots }: Kept): Root[] => roots.filter(({ role }) => role !== "past").map(openRoot);

/**
 * The bundle for these roots, if it is another one than before. Signed by those that sign now and next, so that whoever trusts either takes it.
 * Versions are the time in milliseconds, or one more than the last: a keyring that was restored goes on above what devices have seen since, as soon
 * as anything changes.
 */
export function bundleOf(state: Kept, signers: readonly Root[], now: number): Kept["bundle"] {
  const told = toldIn(state);
  const roots = told.map(({ x509 }) => x509.fingerprint256);
  const before = state.bundle;
  const wanted = signers.map(({ x509 }) => x509.fingerprint256);
  const isSigned = before && before.signatures.map(({ root }) => root).join() === wanted.join();
  if (isSigned && before.roots.join() === roots.join()) return before;
  const version = Math.max((before?.version ?? 0) + 1, Math.floor(now));
  const { instance } = state;
  const signed = JSON.stringify({
    purpose: "holdfast/roots", // these keys sign certificates as well, which begin otherwise
    instance,
    version,
    roots: told.map(({ x509 }) => pemOf(x509)),
  });
  const signatures = signers.map((root) => ({
    root: root.x509.fingerprint256,
    signature: sign("sha256", Buffer.from(signed), signerOf(root).key).toString("base64"),
  }));
  return { version, roots, signed, signatures };
}
