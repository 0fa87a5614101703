import { Refusal } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import { callerOf } from "./caller.ts";
import { demandedOf } from "./demands.ts";
import type { Permit } from "./permit.ts";

/** Nobody demands what ends his own coming: he would be shut out by his own word. @throws Refusal `request.malformed` */
export function refuseToShutOut(permit: Permit<"org.update"> | Permit<"credential.read">, demands: Demands): void {
  const { credential, circumstances } = callerOf(permit);
  const { against } = demandedOf(demands, credential, circumstances);
  if (against === undefined) return;
  throw new Refusal("request.malformed", {
    faults: [{ path: "demands", message: `it would shut you out: ${against}` }],
  });
}
