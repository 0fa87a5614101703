import { idFrom, Refusal, uuidOf, type CredentialId, type Id } from "@holdfast/kernel";
import { thumbprint, type PublicKey } from "@holdfast/crypto";
import type { Unit } from "../storage/index.ts";
import type { Manufactured } from "./manufacturer.ts";

/** The key that a device brought, or what its birth certificate says of it. */
export type EnrolledBy = PublicKey | Manufactured;

/** Who enrolled by which key, as PostgreSQL keeps it: the keys of devices as blind indexes, by which nobody finds the device elsewhere. */
export const enrolmentsIn = (unit: Unit) => {
  const org = uuidOf(unit.scope.org);
  const print = (by: EnrolledBy): Uint8Array =>
    "serial" in by
      ? unit.scope.index("enrolledBirth", `${by.by} ${by.serial}`)
      : unit.scope.index("enrolledKey", thumbprint(by));
  return {
    /** Answers whether the credential may enrol one more, and counts it. */
    async count(credential: CredentialId, most: number | undefined): Promise<boolean> {
      const rows = await unit.query(
        `insert into enrolment_use (org, credential, used) values ($1, $2, 1)
         on conflict (org, credential) do update set used = enrolment_use.used + 1
           where $3::bigint is null or enrolment_use.used < $3
         returning used`,
        [org, uuidOf(credential), most ?? null],
      );
      return rows.length > 0;
    },

    /** How many devices enrolled by it. */
    async used(credential: CredentialId): Promise<number> {
      const [row] = await unit.query<{ used: string }>("select used from enrolment_use where credential = $1", [
        uuidOf(credential),
      ]);
      return Number(row?.used ?? 0);
    },

    /** Whose it is, of those that enrolled. */
    async deviceOf(by: EnrolledBy): Promise<Id<"device"> | undefined> {
      const [row] = await unit.query<{ device: string }>("select device from enrolled_key where print = $1", [
        print(by),
      ]);
      return row && idFrom("device", row.device);
    },

    /** It is that device's from now on, and was nobody else's. @throws Refusal `key.shared` */
    async add(device: Id<"device">, by: EnrolledBy): Promise<void> {
      await unit.query("insert into enrolled_key (org, print, device) values ($1, $2, $3) on conflict do nothing", [
        org,
        print(by),
        uuidOf(device),
      ]);
      if ((await this.deviceOf(by)) !== device) throw new Refusal("key.shared");
    },
  };
};
