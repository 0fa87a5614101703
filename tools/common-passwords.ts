import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { commonDigest } from "@holdfast/crypto";

// node tools/common-passwords.ts LIST…: makes the list of passwords that nobody may choose, of lists with one on a line, the most common first.
// Which ones they were stands in packages/crypto/src/common-passwords.md. Run by hand, when there are better lists.
const lists = process.argv.slice(2).map((file) => readFileSync(file, "utf8").split(/\r?\n/));
const fit = (one: string): boolean => {
  const { length } = Array.from(one);
  return length >= 12 && length <= 128;
};
const long = lists.flat().filter(fit);
// What longer ones are made of, with a year behind it: of the first list alone, and no shorter than four, or every sentence would hold one.
const short = (lists[0] ?? []).slice(0, 10_000).filter((one) => one.length >= 4);
const digests = Uint32Array.from(new Set([...long, ...short].map(commonDigest))).sort();
const bytes = Buffer.alloc(digests.length * 4);
for (const [at, digest] of digests.entries()) bytes.writeUInt32BE(digest, at * 4);
writeFileSync(path.join(path.dirname(import.meta.dirname), "packages/crypto/src/common-passwords.bin"), bytes);
process.stdout.write(
  `${new Set(long.map(commonDigest)).size} of twelve characters and more, ${digests.length} in all\n`,
);
