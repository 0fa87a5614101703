import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { challengeSkew, type Challenge } from "../passkeys/index.ts";
import type { Unit } from "../storage/index.ts";
import type { UserPasskey } from "./user-passkey.ts";

type Row = {
  id: string;
  app_user: string;
  issued_seq: string;
  created_at: string;
  version: number;
  body: Uint8Array;
};
/** What the row has no column for. */
type Body = Omit<UserPasskey, "id" | "user" | "issuedSeq" | "createdAt" | "version">;

const columns = "id, app_user, issued_seq, created_at, version, body";

const indexOf = ({ scope }: Unit, application: Id<"application">, credentialId: string): Uint8Array =>
  scope.index("application-passkey/credential", `${application}|${credentialId}`);

/** Passkeys as PostgreSQL keeps them: whose each is, and since when, is readable; the rest is sealed. */
export const passkeysIn = (unit: Unit) => ({
  async find(id: Id<"passkey">, user: Id<"user">): Promise<UserPasskey | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from app_passkey where id = $1 and app_user = $2`, [
      uuidOf(id),
      uuidOf(user),
    ]);
    return row && passkeyOf(unit, row);
  },

  async byCredential(application: Id<"application">, credentialId: string): Promise<UserPasskey | undefined> {
    const [row] = await unit.query<Row>(`select ${columns} from app_passkey where credential_index = $1`, [
      indexOf(unit, application, credentialId),
    ]);
    return row && passkeyOf(unit, row);
  },

  /** Oldest first. */
  async of(user: Id<"user">): Promise<readonly UserPasskey[]> {
    const rows = await unit.query<Row>(
      `select ${columns} from app_passkey where app_user = $1 order by created_at, id`,
      [uuidOf(user)],
    );
    return rows.map((row) => passkeyOf(unit, row));
  },

  /** False when the application knows it already. */
  async add(passkey: UserPasskey): Promise<boolean> {
    const rows = await unit.query(
      `insert into app_passkey (org, id, app_user, credential_index, issued_seq, created_at, version, body)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (org, credential_index) do nothing returning 1`,
      [
        uuidOf(unit.scope.org),
        uuidOf(passkey.id),
        uuidOf(passkey.user),
        indexOf(unit, passkey.application, passkey.credentialId),
        passkey.issuedSeq,
        passkey.createdAt,
        passkey.version,
        sealed(unit, passkey),
      ],
    );
    return rows.length > 0;
  },

  async save(passkey: UserPasskey): Promise<void> {
    await unit.query("update app_passkey set version = $2, body = $3 where id = $1", [
      uuidOf(passkey.id),
      passkey.version,
      sealed(unit, passkey),
    ]);
  },

  async remove(id: Id<"passkey">): Promise<void> {
    await unit.query("delete from app_passkey where id = $1", [uuidOf(id)]);
  },
});

/** False when it was answered before. Some of those that are over go. */
export async function spend(
  unit: Unit,
  application: Id<"application">,
  { id, expiresAt }: Challenge<"user">,
  now: Instant,
): Promise<boolean> {
  await unit.query(
    `delete from app_challenge where id in
       (select id from app_challenge where expires_at <= $1 order by expires_at limit 100 for update skip locked)`,
    [now - challengeSkew],
  );
  const rows = await unit.query(
    `insert into app_challenge (org, id, application, expires_at) values ($1, $2, $3, $4)
     on conflict (org, id) do nothing returning 1`,
    [uuidOf(unit.scope.org), uuidOf(id), uuidOf(application), expiresAt],
  );
  return rows.length > 0;
}

type Fixed = Pick<UserPasskey, "id" | "user" | "issuedSeq" | "createdAt" | "version">;

const placeOf = ({ id, user, issuedSeq, createdAt, version }: Fixed): string =>
  [id, user, issuedSeq, createdAt, version].join("|");

function sealed({ scope }: Unit, passkey: UserPasskey): Uint8Array {
  const { id: _id, user: _user, issuedSeq: _seq, createdAt: _at, version: _version, ...body } = passkey;
  return scope.seal("application-passkey", placeOf(passkey), new TextEncoder().encode(JSON.stringify(body)));
}

function passkeyOf({ scope }: Unit, row: Row): UserPasskey {
  const fixed: Fixed = {
    id: idFrom("passkey", row.id),
    user: idFrom("user", row.app_user),
    issuedSeq: Number(row.issued_seq),
    createdAt: Number(row.created_at) as Instant, // a bigint column of ours
    version: row.version,
  };
  const text = new TextDecoder().decode(scope.open("application-passkey", placeOf(fixed), row.body));
  const body = JSON.parse(text) as Body; // sealed by `add` or `save`, so it is one
  return { ...body, lastUsedAt: body.lastUsedAt, clonedAt: body.clonedAt, ...fixed };
}
