import { Refusal } from "@holdfast/kernel";
import type { routes } from "@holdfast/protocol";
import type { z } from "zod";
import type { Enrols } from "./credential.ts";

const day = 86_400_000; // milliseconds
const usual = 90 * day;

/** What a key makes of devices that enrol by it. @throws Refusal `request.malformed` where it is said of another kind */
export function enrolsOf({ kind, enrols }: z.infer<typeof routes.createAccessKey.body>): Enrols | undefined {
  if (kind === "enrolment") {
    const { product, most, validFor = usual } = enrols ?? {};
    return { ...(product && { product }), ...(most !== undefined && { most }), validFor };
  }
  if (!enrols) return undefined;
  const fault = { path: "enrols", message: "left out: only a key of the kind enrolment enrols devices" };
  throw new Refusal("request.malformed", { faults: [fault] });
}

export const enrolsReply = ({ product, most, validFor, manufacturer }: Enrols) => ({
  ...(product && { product }),
  ...(most !== undefined && { most }),
  validFor: validFor % day === 0 ? `${validFor / day}d` : `${Math.floor(validFor / 1_000)}s`,
  ...(manufacturer && { manufacturer: manufacturer.sha256 }),
});
