import { associated, open, seal, unlessBroken } from "@holdfast/crypto";
import { type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";

/** What is done for somebody's account a moment after it was asked. */
export type Errand =
  /** A link for a new password is sent, if somebody has that e-mail. */
  | { readonly do: "sendReset"; readonly email: string }
  /** What she signed in with ends, but for this session, and her organisations are told why. */
  | {
      readonly do: "endSignIns";
      readonly person: Id<"person">;
      readonly because: "password.changed" | "password.reset" | "password.removed";
      readonly except?: Id<"session"> | undefined;
    }
  /** What she shows to sign in, or how she is written to, changed, or is about to: her organisations are told, and what is over ends there. */
  | {
      readonly do: "tellFactors";
      readonly person: Id<"person">;
      /** Who did it: she, when nobody says otherwise. */
      readonly by?: "herself" | "platform";
      readonly what: string;
      readonly facts?: Readonly<Record<string, unknown>>;
      readonly over?: readonly { readonly about: string; readonly until?: Instant }[];
      /** What she is signed in to ends with it, but for this session; and what she signed in with elsewhere. */
      readonly endSessions?: { readonly except?: Id<"session"> };
    };

/** `errand` is `undefined` when somebody altered its row. */
export type Due<E = Errand | undefined> = { readonly id: string; readonly errand: E };

/** Strangers can ask for some of them. */
const most = 10_000;

/** Errands that wait, the oldest first. A row is sealed with the moment in which it was asked. */
export const errandsIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const key = keys.instanceKey("errand");
  const place = (id: string, createdAt: number) =>
    associated({ org: "instance", kind: "errand", row: `${id}|${createdAt}`, version: 0 });
  return {
    async add(errand: Errand): Promise<Due<Errand>> {
      const id = random.bytes(16).toHex();
      const body = seal(key, place(id, unit.at), new TextEncoder().encode(JSON.stringify(errand)), random);
      await unit.query("insert into errand (id, created_at, body) values ($1, $2, $3)", [id, unit.at, body]);
      return { id, errand };
    },

    async areFull(): Promise<boolean> {
      const [row] = await unit.query<{ count: string }>("select count(*) from errand", []);
      return Number(row?.count ?? 0) >= most;
    },

    async due(count: number): Promise<readonly Due[]> {
      const rows = await unit.query<{ id: string; created_at: string; body: Uint8Array }>(
        "select id, created_at, body from errand order by created_at, id limit $1",
        [count],
      );
      return rows.map((row) => {
        const id = row.id.replaceAll("-", "");
        return { id, errand: opened(key, place(id, Number(row.created_at)), row.body) };
      });
    },

    async has(id: string): Promise<boolean> {
      return (await unit.query("select 1 from errand where id = $1", [id])).length > 0;
    },

    /** Whether it was still to be done: at most one caller is answered `true`. */
    async remove(id: string): Promise<boolean> {
      return (await unit.query("delete from errand where id = $1 returning 1", [id])).length > 0;
    },
  };
};

const opened = (key: Uint8Array, place: Uint8Array, body: Uint8Array): Errand | undefined =>
  unlessBroken(() => JSON.parse(new TextDecoder().decode(open(key, place, body))) as Errand); // sealed by `add`
