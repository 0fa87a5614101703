import type { PublicKey } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { normalEmail } from "../identity/index.ts";
import type { After, Unit } from "../storage/index.ts";
import type { Refresh, UserSession } from "./session.ts";
import type { User } from "./user.ts";

type UserRow = {
  id: string;
  application: string;
  login_index: Uint8Array;
  created_at: string;
  version: number;
  body: Uint8Array;
};
const userColumns = "id, application, login_index, created_at, version, body";

/** A login is once in each application. */
export const loginIndex = ({ scope }: Pick<Unit, "scope">, application: Id<"application">, login: string): Uint8Array =>
  scope.index("application-user/login", `${application}|${normalEmail(login)}`);

/** Users as PostgreSQL keeps them: of which application and since when is readable; who they are and whether they may come in is sealed. */
export const usersIn = (unit: Unit) => ({
  async find(id: Id<"user">, application: Id<"application">): Promise<User | undefined> {
    const [row] = await unit.query<UserRow>(`select ${userColumns} from app_user where id = $1 and application = $2`, [
      uuidOf(id),
      uuidOf(application),
    ]);
    return row && userOf(unit, row);
  },

  /** In whichever application. */
  async isThere(id: Id<"user">): Promise<boolean> {
    const rows = await unit.query("select 1 from app_user where id = $1", [uuidOf(id)]);
    return rows.length > 0;
  },

  /** As `find`, and nobody else changes it before this unit ends. */
  async take(id: Id<"user">, application: Id<"application">): Promise<User | undefined> {
    const [row] = await unit.query<UserRow>(
      `select ${userColumns} from app_user where id = $1 and application = $2 for update`,
      [uuidOf(id), uuidOf(application)],
    );
    return row && userOf(unit, row);
  },

  async byLogin(application: Id<"application">, login: string): Promise<User | undefined> {
    const [row] = await unit.query<UserRow>(`select ${userColumns} from app_user where login_index = $1`, [
      loginIndex(unit, application, login),
    ]);
    return row && userOf(unit, row);
  },

  /** Oldest first, after the cursor. */
  async list(application: Id<"application">, after: After | undefined, most: number): Promise<readonly User[]> {
    const rows = await unit.query<UserRow>(
      `select ${userColumns} from app_user
        where application = $1 and ($2::bigint is null or (created_at, id) > ($2, $3::uuid))
        order by created_at, id limit $4`,
      [uuidOf(application), after?.at ?? null, after?.id ?? null, most],
    );
    return rows.map((row) => userOf(unit, row));
  },

  /** False when the login is somebody's already. */
  async add(user: User): Promise<boolean> {
    const index = loginIndex(unit, user.application, user.login);
    const rows = await unit.query(
      `insert into app_user (org, id, application, login_index, created_at, version, body)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict (org, login_index) do nothing returning 1`,
      [
        uuidOf(unit.scope.org),
        uuidOf(user.id),
        uuidOf(user.application),
        index,
        user.createdAt,
        user.version,
        unit.scope.seal("application-user", rowOf(user, index), encode(user)),
      ],
    );
    return rows.length > 0;
  },

  async save(user: User): Promise<void> {
    const index = loginIndex(unit, user.application, user.login);
    const sealed = unit.scope.seal("application-user", rowOf(user, index), encode(user));
    await unit.query("update app_user set version = $2, body = $3 where id = $1", [
      uuidOf(user.id),
      user.version,
      sealed,
    ]);
  },

  /** With all sessions. */
  async remove(id: Id<"user">): Promise<void> {
    await unit.query("delete from app_user where id = $1", [uuidOf(id)]);
  },

  async removeAllIn(application: Id<"application">): Promise<readonly Id<"user">[]> {
    const rows = await unit.query<{ id: string }>("delete from app_user where application = $1 returning id", [
      uuidOf(application),
    ]);
    return rows.map(({ id }) => idFrom("user", id));
  },
});

const rowOf = ({ id, application, version }: Pick<User, "id" | "application" | "version">, index: Uint8Array): string =>
  [id, application, index.toHex(), version].join("|");

function userOf({ scope }: Unit, row: UserRow): User {
  const id = idFrom("user", row.id);
  const application = idFrom("application", row.application);
  const place = rowOf({ id, application, version: row.version }, row.login_index);
  return decode(scope.open("application-user", place, row.body)) as User; // sealed by `add` or `save`, so it is one
}

type SessionRow = {
  id: string;
  app_user: string;
  issued_seq: string;
  created_at: string;
  expires_at: string;
  seen_at: string;
  body: Uint8Array;
};
type SessionBody = {
  application: Id<"application">;
  publicKey?: PublicKey;
  from?: string;
  passkey?: Id<"passkey">;
  exposedAt?: Instant;
};
type RefreshRow = { session: string; used_at: string | null; proof: Uint8Array };

const sessionColumns = "id, app_user, issued_seq, created_at, expires_at, seen_at, body";

/** Where users are signed in, and the refresh tokens of each. */
export const sessionsIn = (unit: Unit) => ({
  async add(session: UserSession): Promise<void> {
    const { id, user, issuedSeq, createdAt, expiresAt, seenAt } = session;
    await unit.query(
      `insert into app_session (org, id, app_user, issued_seq, created_at, expires_at, seen_at, body)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        uuidOf(unit.scope.org),
        uuidOf(id),
        uuidOf(user),
        issuedSeq,
        createdAt,
        expiresAt,
        seenAt,
        sealedSession(unit, session),
      ],
    );
  },

  async save(session: UserSession): Promise<void> {
    await unit.query("update app_session set body = $2 where id = $1", [
      uuidOf(session.id),
      sealedSession(unit, session),
    ]);
  },

  /** Nobody else renews or ends it before this unit ends. */
  async take(id: Id<"session">): Promise<UserSession | undefined> {
    const [row] = await unit.query<SessionRow>(`select ${sessionColumns} from app_session where id = $1 for update`, [
      uuidOf(id),
    ]);
    return row && sessionOf(unit, row);
  },

  /** Those seen last first. */
  async of(user: Id<"user">): Promise<readonly UserSession[]> {
    const rows = await unit.query<SessionRow>(
      `select ${sessionColumns} from app_session where app_user = $1 order by seen_at desc, id`,
      [uuidOf(user)],
    );
    return rows.map((row) => sessionOf(unit, row));
  },

  async saw(id: Id<"session">, at: Instant): Promise<void> {
    await unit.query("update app_session set seen_at = $2 where id = $1", [uuidOf(id), at]);
  },

  /** With its refresh tokens. */
  async remove(id: Id<"session">): Promise<void> {
    await unit.query("delete from app_session where id = $1", [uuidOf(id)]);
  },

  /** Those that are over by themselves, so many at a time, with their refresh tokens. Answers how many. */
  async removePast(by: Instant, limit: number): Promise<number> {
    const rows = await unit.query(
      "delete from app_session where id in (select id from app_session where expires_at <= $1 limit $2) returning id",
      [by, limit],
    );
    return rows.length;
  },

  async removeAllOf(user: Id<"user">): Promise<void> {
    await unit.query("delete from app_session where app_user = $1", [uuidOf(user)]);
  },

  /** Which session a refresh token is of, by its digest. */
  async ofRefresh(digest: Uint8Array): Promise<Id<"session"> | undefined> {
    const [row] = await unit.query<RefreshRow>("select session, used_at, proof from app_refresh where digest = $1", [
      digest,
    ]);
    if (!row) return undefined;
    const session = idFrom("session", row.session);
    unit.scope.open("application-refresh", `${digest.toHex()}|${session}`, row.proof);
    return session;
  },

  /** What became of it so far, once its session is taken. */
  async refresh(digest: Uint8Array, successor: Uint8Array): Promise<Refresh> {
    const rows = await unit.query<{ digest: Uint8Array; used_at: string | null }>(
      "select digest, used_at from app_refresh where digest = any($1::bytea[])",
      [[digest, successor]],
    );
    const usedAt = (of: Uint8Array): Instant | undefined => {
      const used = rows.find((row) => row.digest.toHex() === of.toHex())?.used_at ?? null;
      return used === null ? undefined : (Number(used) as Instant); // a bigint column of ours
    };
    return { usedAt: usedAt(digest), isSuccessorUsed: usedAt(successor) !== undefined };
  },

  async used(digest: Uint8Array, at: Instant): Promise<void> {
    await unit.query("update app_refresh set used_at = $2 where digest = $1", [digest, at]);
  },

  async addRefresh(session: Id<"session">, digest: Uint8Array): Promise<void> {
    await unit.query("insert into app_refresh (org, digest, session, proof) values ($1, $2, $3, $4)", [
      uuidOf(unit.scope.org),
      digest,
      uuidOf(session),
      unit.scope.seal("application-refresh", `${digest.toHex()}|${session}`, new Uint8Array()),
    ]);
  },
});

type Fixed = Pick<UserSession, "id" | "user" | "issuedSeq" | "createdAt" | "expiresAt">;

const sessionRow = ({ id, user, issuedSeq, createdAt, expiresAt }: Fixed): string =>
  [id, user, issuedSeq, createdAt, expiresAt].join("|");

function sealedSession({ scope }: Unit, session: UserSession): Uint8Array {
  const { application, publicKey, from, passkey, exposedAt } = session;
  const body: SessionBody = {
    application,
    ...(publicKey && { publicKey }),
    ...(from !== undefined && { from }),
    ...(passkey !== undefined && { passkey }),
    ...(exposedAt !== undefined && { exposedAt }),
  };
  return scope.seal("application-session", sessionRow(session), encode(body));
}

function sessionOf({ scope }: Unit, row: SessionRow): UserSession {
  const fixed: Fixed = {
    id: idFrom("session", row.id),
    user: idFrom("user", row.app_user),
    issuedSeq: Number(row.issued_seq),
    createdAt: Number(row.created_at) as Instant, // bigint columns of ours
    expiresAt: Number(row.expires_at) as Instant,
  };
  const body = decode(scope.open("application-session", sessionRow(fixed), row.body)) as SessionBody; // sealed by `add`
  return { ...fixed, seenAt: Number(row.seen_at) as Instant, publicKey: body.publicKey, from: body.from, ...body };
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
