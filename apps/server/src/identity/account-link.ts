import { associated, digestSecret, isSecret, newSecret, open, seal } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring } from "../storage/index.ts";
import type { Person } from "./person.ts";

/** For what a link is good, each once. It signs nobody in: whoever reads somebody's mail is not her. */
export type Purpose = { readonly email: string } & (
  | /** Another password in place of this one. */ { readonly is: "reset"; readonly passwordSeq: number }
  | /** This is her address. */ { readonly is: "email" }
) & {
    /** It went to that address, so whoever has it reads what is sent there. */
    readonly isMailed: boolean;
  };

/** What was sent to somebody. */
export type AccountLink = { readonly person: Id<"person">; readonly expiresAt: Instant; readonly purpose: Purpose };

const lifetimes = { reset: 3_600_000, email: 24 * 3_600_000 } as const; // milliseconds
const secretKinds = { reset: "passwordReset", email: "email" } as const;
const marks = { reset: "reset", email: "verify" } as const;

export const isLinkSecret = (is: Purpose["is"], text: string): boolean => isSecret(text, secretKinds[is]);

/** A new link for her, and what is kept of it. What stands behind # never leaves a browser by itself, so it reaches no log. */
export function newLink(
  { id }: Pick<Person, "id">,
  purpose: Purpose,
  { address, now, random }: { readonly address: string; readonly now: Instant; readonly random: Random },
): { readonly text: string; readonly digest: Uint8Array; readonly link: AccountLink } {
  const secret = newSecret(random, secretKinds[purpose.is]);
  const expiresAt = (now + lifetimes[purpose.is]) as Instant; // milliseconds both
  return {
    text: `${address}/#${marks[purpose.is]}=${secret}`,
    digest: digestSecret(secret),
    link: { person: id, expiresAt, purpose },
  };
}

type Row = { digest: Uint8Array; person: string; expires_at: string; body: Uint8Array };

/** What is sealed belongs to the columns beside it. */
export const accountLinksIn = (unit: InstanceUnit, { keys, random }: { keys: Keyring; random: Random }) => {
  const key = keys.instanceKey("account-link");
  const place = (digest: Uint8Array, person: Id<"person">, expiresAt: number) =>
    associated({
      org: "instance",
      kind: "account-link",
      row: [digest.toHex(), person, expiresAt].join("|"),
      version: 0,
    });
  const linkOf = ({ digest, person: uuid, expires_at, body }: Row): AccountLink | undefined => {
    const [person, expiresAt] = [idFrom("person", uuid), Number(expires_at) as Instant]; // a bigint column of ours
    if (unit.at >= expiresAt) return undefined;
    const plain = open(key, place(digest, person, expiresAt), body);
    return { person, expiresAt, purpose: JSON.parse(new TextDecoder().decode(plain)) as Purpose }; // sealed by `add`
  };
  return {
    async add(digest: Uint8Array, { person, expiresAt, purpose }: AccountLink): Promise<void> {
      await unit.query("delete from account_link where expires_at <= $1", [unit.at]);
      const plain = new TextEncoder().encode(JSON.stringify(purpose));
      await unit.query("insert into account_link (digest, person, expires_at, body) values ($1, $2, $3, $4)", [
        digest,
        uuidOf(person),
        expiresAt,
        seal(key, place(digest, person, expiresAt), plain, random),
      ]);
    },

    /** @throws Refusal `seal.broken` */
    async find(digest: Uint8Array): Promise<AccountLink | undefined> {
      const [row] = await unit.query<Row>(
        "select digest, person, expires_at, body from account_link where digest = $1",
        [digest],
      );
      return row && linkOf(row);
    },

    /** At most one caller ever gets it. */
    async take(digest: Uint8Array): Promise<AccountLink | undefined> {
      const [row] = await unit.query<Row>(
        "delete from account_link where digest = $1 returning digest, person, expires_at, body",
        [digest],
      );
      return row && linkOf(row);
    },

    /** Whatever was sent to her before is worth nothing. */
    async removeOf(person: Id<"person">): Promise<void> {
      await unit.query("delete from account_link where person = $1", [uuidOf(person)]);
    },
  };
};
