import { isCommonPassword } from "@holdfast/crypto";
import { faultOfSecret, Refusal, uuidOf, type Clock, type Id, type RefusalCode } from "@holdfast/kernel";
import type { OrgScope, Storage, Unit } from "../storage/index.ts";
import { secretChecksOf } from "./allowance.ts";
import { callerOf } from "./caller.ts";
import type { Permit } from "./permit.ts";

const often = "An organisation looks at forty lists of secrets at once at most, and at two a minute.";

/** A secret that a device brings, and what that is called. */
export type Brought = { readonly secret: string; readonly names: readonly (string | undefined)[] };
export type BroughtFault = { readonly code: Extract<RefusalCode, `secret.${string}`>; readonly detail?: string };

/**
 * What stands for such a secret where the digest of one of ours stands elsewhere. It may have less to it than 256 random bits, so whoever has the
 * rows alone is not to try guesses: it is made with the organisation's own key. The same secret is the same, so that two devices are not given one.
 */
export const broughtDigest = (scope: Pick<OrgScope, "index">, secret: string): Uint8Array =>
  scope.index("broughtSecret", secret);

/** What is wrong with it by itself, whoever else has it. */
function faultOfBrought({ secret, names }: Brought): BroughtFault | undefined {
  return faultOfSecret(secret, names) ?? (isCommonPassword(secret) ? { code: "secret.known" } : undefined);
}

/** Secrets that devices brought, as PostgreSQL keeps them. Whose one once was, nobody else's is, also when that one is gone. */
const broughtIn = (unit: Unit) => ({
  async ofOthers(digests: readonly Uint8Array[]): Promise<ReadonlySet<string>> {
    const rows = await unit.query<{ print: Uint8Array }>(
      "select print from brought_secret where print = any($1::bytea[])",
      [digests],
    );
    return new Set(rows.map(({ print }) => print.toHex()));
  },

  /** Answers whether it was nobody's. */
  async take(digest: Uint8Array, device: Id<"device">): Promise<boolean> {
    const rows = await unit.query(
      "insert into brought_secret (org, print, device) values ($1, $2, $3) on conflict do nothing returning 1",
      [uuidOf(unit.scope.org), digest, uuidOf(device)],
    );
    return rows.length > 0;
  },
});

/** It is this device's from now on. Answers its digest. @throws Refusal `secret.weak`, `secret.known`, `secret.shared` */
export async function takeBrought(unit: Unit, device: Id<"device">, brought: Brought): Promise<Uint8Array> {
  const fault = faultOfBrought(brought);
  if (fault) throw new Refusal(fault.code, fault.detail === undefined ? {} : { detail: fault.detail });
  const digest = broughtDigest(unit.scope, brought.secret);
  if (!(await broughtIn(unit).take(digest, device))) throw new Refusal("secret.shared");
  return digest;
}

/**
 * What would be wrong with each of these, before any device is made. Whoever may make devices could try as much by making them, and slower:
 * so there is an allowance for the organisation. @throws Refusal `rate.exceeded`
 */
export async function checkBrought(
  needs: { readonly storage: Storage; readonly clock: Clock },
  permit: Permit<"device.create">,
  all: readonly Brought[],
): Promise<readonly (BroughtFault | undefined)[]> {
  callerOf(permit).space.drawn.draw([secretChecksOf(permit.scope.org)], needs.clock.elapsed(), often);
  return needs.storage.read(permit, async (unit) => {
    const digests = all.map(({ secret }) => broughtDigest(unit.scope, secret));
    const taken = await broughtIn(unit).ofOthers(digests);
    return all.map((brought, at) => {
      const isTaken = taken.has(digests[at]?.toHex() ?? "");
      return faultOfBrought(brought) ?? (isTaken ? { code: "secret.shared" as const } : undefined);
    });
  });
}
