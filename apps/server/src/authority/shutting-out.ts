import { Refusal } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import { callerOf } from "./caller.ts";
import { atOnce, demandedOf } from "./demands.ts";
import { demanding } from "./factors.ts";
import type { Permit } from "./permit.ts";

/** Nobody demands what ends his own coming: he would be shut out by his own word. @throws Refusal `request.malformed` */
export function refuseToShutOut(permit: Permit<"org.update"> | Permit<"credential.read">, demands: Demands): void {
  const { credential, circumstances, space } = callerOf(permit);
  const { against } = demandedOf(demanding(space, atOnce(demands)), credential, circumstances, callerOf(permit).now());
  if (against === undefined) return;
  throw new Refusal("request.malformed", {
    faults: [{ path: "demands", message: `it would shut you out: ${against}` }],
  });
}
