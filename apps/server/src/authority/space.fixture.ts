import type { Id, Random } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";
import { Space, type Remembered } from "./space.ts";

let made = 0;

/** Counts, so that no two are the same, and a failure can be repeated. */
export const counted: Random = {
  bytes(count) {
    const filled = new Uint8Array(count);
    new DataView(filled.buffer).setUint32(0, (made += 1));
    return filled;
  },
};

/** An organisation as authority sees it, and nothing else of it. */
export const spaceOf = (org: Id<"org">, known: Remembered): Space =>
  new Space({ org } as OrgScope, known, () => undefined); // nothing here seals
