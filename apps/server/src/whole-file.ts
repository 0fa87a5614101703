import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Writes a small file that others wait for: it appears, or changes, as a whole, by a rename. */
export function writeWhole(file: string, text: string, mode: number): void {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: "wx" }); // wx: a link in its place is not followed
  chmodSync(draft, mode); // whatever the umask is
  renameSync(draft, file);
}
