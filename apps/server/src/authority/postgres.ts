import { idFrom, isId, uuidOf, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import { formatGrant, parseGrants } from "@holdfast/protocol";
import type { Unit } from "../storage/index.ts";
import type { Body, CredentialRow } from "./credential-row.ts";
import type { Credential } from "./credential.ts";
import { revocationsIn } from "./revocation-rows.ts";
import type { Membership } from "./roles.ts";

const atOnce = 1_000; // rows that are opened before others have their turn

const columns = `id, prefix, person, application, device, app_user, app_session, dashboard, parent, parent_prefix, issued_seq,
  created_at, expires_at, last_used_at, digest, version, body`;

const instant = (text: string | null): Instant | undefined => (text === null ? undefined : (Number(text) as Instant)); // a bigint column of ours

/** What is sealed belongs to the columns beside it: a row whose parent, person or expiry was changed in the database no longer opens. */
const rowName = (id: string, fixed: Fixed): string => [id, ...fixed.map((value) => value ?? "-")].join("|");

type Fixed = readonly (string | null | undefined)[];

const fixedOf = (credential: Credential): Fixed => [
  credential.person,
  credential.application,
  credential.device,
  credential.parent,
  String(credential.issuedSeq),
  credential.expiresAt === undefined ? undefined : String(credential.expiresAt),
  credential.digest.toHex(),
  String(credential.version),
  // Rows of before there were users have nothing here.
  ...(credential.user ? [credential.user.id, credential.user.session] : []),
  ...(credential.dashboard ? [credential.dashboard] : []),
];

/** Credentials, members and revocations as PostgreSQL keeps them: who and when are readable, what they may do is sealed. */
export const authorityIn = (unit: Unit) => ({
  async credential(id: CredentialId): Promise<Credential | undefined> {
    return (await rowsOf(unit, "id = $1 and prefix = $2", [uuidOf(id), prefixOf(id)]))[0];
  },

  /** The same, and nobody else changes it before this unit ends. */
  async credentialToChange(id: CredentialId): Promise<Credential | undefined> {
    await unit.query("select 1 from credential where id = $1 for update", [uuidOf(id)]);
    return this.credential(id);
  },

  async credentialsOf(ids: readonly CredentialId[]): Promise<readonly Credential[]> {
    const wanted = new Set(ids);
    return (await rowsOf(unit, "id = any($1::uuid[])", [ids.map(uuidOf)])).filter(({ id }) => wanted.has(id));
  },

  /** Oldest first, after the cursor. */
  async credentials(after: { at: number; id: string } | undefined, most: number, device: Id<"device"> | undefined) {
    const rows = await unit.query<CredentialRow>(
      `select ${columns} from credential
        where ($1::bigint is null or (created_at, id) > ($1, $2::uuid)) and ($3::uuid is null or device = $3)
        order by created_at, id limit $4`,
      [after?.at ?? null, after?.id ?? null, device ? uuidOf(device) : null, most],
    );
    return rows.map((row) => credentialOf(unit, row));
  },

  /** Of all devices, by device, behind that one. */
  async deviceCredentials(after: Credential | undefined, most: number): Promise<readonly Credential[]> {
    const behind = after?.device ? [uuidOf(after.device), uuidOf(after.id)] : [null, null];
    return rowsOf(
      unit,
      "device is not null and ($1::uuid is null or (device, id) > ($1, $2::uuid)) order by device, id limit $3",
      [...behind, most],
    );
  },

  /** What made these, and what made that, up to the first. */
  async ancestorsOf(credentials: readonly Credential[]): Promise<readonly Credential[]> {
    const parents = credentials.flatMap(({ parent }) => (parent ? [uuidOf(parent)] : []));
    if (parents.length === 0) return [];
    const rows = await unit.query<CredentialRow>(
      `with recursive up as (
         select id, parent from credential where id = any($1::uuid[])
         union select c.id, c.parent from credential c join up on c.id = up.parent)
       select ${columns} from credential where id in (select id from up)`,
      [parents],
    );
    return rows.map((row) => credentialOf(unit, row));
  },

  /** What it made that ends with it, what that made, and so on. */
  async descendantsOf(id: CredentialId): Promise<readonly Credential[]> {
    const rows = await unit.query<CredentialRow>(
      `with recursive down as (
         select id from credential where parent = $1
         union select c.id from credential c join down on c.parent = down.id)
       select ${columns} from credential where id in (select id from down) order by created_at, id`,
      [uuidOf(id)],
    );
    return rows.map((row) => credentialOf(unit, row));
  },

  async everyCredential(): Promise<readonly Credential[]> {
    const all: Credential[] = [];
    let last: Credential | undefined;
    do {
      const after: { at: number; id: string } | undefined = last && { at: last.createdAt, id: uuidOf(last.id) };
      const page: readonly Credential[] = await this.credentials(after, atOnce, undefined);
      all.push(...page);
      last = page.length === atOnce ? page.at(-1) : undefined;
    } while (last);
    return all;
  },

  /** All that was made with it, directly or not. Who made what is sealed, so every credential is looked at. */
  async madeBy(id: CredentialId): Promise<readonly Credential[]> {
    return (await this.everyCredential()).filter(({ makers }) => makers.includes(id));
  },

  /** The tokens that she signed in for, and those of programs that she let in; those that are over among them. */
  async signInsOf(person: Id<"person">): Promise<readonly Credential[]> {
    return (await rowsOf(unit, "person = $1 and prefix = 'token'", [uuidOf(person)])).filter(isSignIn);
  },

  /** The keys of a device, or the links to a dashboard, those that are over among them. */
  async keysOf(thing: Id<"device"> | Id<"dashboard">): Promise<readonly Credential[]> {
    return rowsOf(unit, `${isId("device", thing) ? "device" : "dashboard"} = $1`, [uuidOf(thing)]);
  },

  /** Credentials without a row are good for nothing; what is written of them in the audit log stays. */
  async removeKeysOf(device: Id<"device">): Promise<void> {
    await unit.query("delete from credential where device = $1", [uuidOf(device)]);
  },

  /** Those of a sign-in that were over before `past`, or all of a user's. Answers which they were. */
  async removeOf(
    whose: { session: Id<"session">; past: Instant } | { user: Id<"user"> },
  ): Promise<readonly CredentialId[]> {
    const rows = await unit.query<{ id: string }>(
      `delete from credential where app_user = $1 or (app_session = $2 and expires_at < $3) returning id`,
      "user" in whose ? [uuidOf(whose.user), null, null] : [null, uuidOf(whose.session), whose.past],
    );
    return rows.map(({ id }) => idFrom("token", id));
  },

  /** What sign-ins were as credentials, and is over: of browsers' sessions, and tokens of users whose session is gone. Nothing hangs on them. */
  async removePastSignIns(by: Instant, limit: number): Promise<readonly CredentialId[]> {
    const rows = await unit.query<Pick<CredentialRow, "prefix" | "id">>(
      `delete from credential where id in (
         select id from credential where expires_at <= $1 and (prefix = 'session' or (app_session is not null
           and not exists (select from app_session s where s.org = credential.org and s.id = credential.app_session)))
         limit $2) returning prefix, id`,
      [by, limit],
    );
    return rows.map(({ prefix, id }) => idFrom(prefix, id));
  },

  async save(credential: Credential): Promise<void> {
    const { kind, name, state, grants, makers, inPerson, publicKey, conditions } = credential;
    const { issued, enrols, socket, former, rotatedAt, exposed, leakedAt, isLent, proofs, by } = credential;
    const body: Body = {
      kind,
      name,
      state,
      grants: grants.map(formatGrant),
      makers: [...makers],
      inPerson,
      ...(isLent && { isLent }),
      ...(proofs && { proofs }),
      ...(publicKey && { publicKey }),
      ...(conditions && { conditions }),
      ...(issued && { issued }),
      ...(enrols && { enrols }),
      ...(socket && { socket }),
      ...(former && { former: { ...former, digest: former.digest.toHex() } }),
      ...(rotatedAt !== undefined && { rotatedAt }),
      ...(exposed && { exposed }),
      ...(leakedAt !== undefined && { leakedAt }),
      ...(by && { by }),
    };
    const sealed = unit.scope.seal("credential", rowName(credential.id, fixedOf(credential)), encode(body));
    await unit.query(
      `insert into credential (org, id, prefix, person, application, device, parent, parent_prefix, issued_seq, created_at,
         expires_at, digest, version, body, app_user, app_session, dashboard)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
       on conflict (org, id) do update set digest = excluded.digest, version = excluded.version, body = excluded.body`,
      [
        uuidOf(unit.scope.org),
        uuidOf(credential.id),
        prefixOf(credential.id),
        credential.person ? uuidOf(credential.person) : null,
        credential.application ? uuidOf(credential.application) : null,
        credential.device ? uuidOf(credential.device) : null,
        credential.parent ? uuidOf(credential.parent) : null,
        credential.parent ? prefixOf(credential.parent) : null,
        credential.issuedSeq,
        credential.createdAt,
        credential.expiresAt ?? null,
        credential.digest,
        credential.version,
        sealed,
        credential.user ? uuidOf(credential.user.id) : null,
        credential.user ? uuidOf(credential.user.session) : null,
        credential.dashboard ? uuidOf(credential.dashboard) : null,
      ],
    );
  },

  async used(times: ReadonlyMap<CredentialId, Instant>): Promise<void> {
    await unit.query(
      `update credential set last_used_at = used.at
         from unnest($1::uuid[], $2::bigint[]) as used(id, at) where credential.id = used.id`,
      [[...times.keys()].map(uuidOf), [...times.values()]],
    );
  },

  async nextSeq(): Promise<number> {
    const [row] = await unit.query<{ seq: string }>("select nextval('revocation_seq') as seq", []);
    if (!row) throw new Error("a sequence answered nothing");
    return Number(row.seq);
  },

  ...revocationsIn(unit),

  /** Less those whose membership was ended since: an older backup of the database brings nobody back. */
  async members(): Promise<Map<Id<"person">, Membership>> {
    const rows = await unit.query<MemberRow>(
      `select m.person, m.body, r.seq as ended from member m left join revocation r
          on r.org = m.org and r.about = 'member/per_' || replace(m.person::text, '-', '') and r.ends = 'people'`,
      [],
    );
    return new Map(
      rows.flatMap(({ person, body, ended }) => {
        const id = idFrom("person", person);
        // Sealed by `saveMember`, so it is one. The first ones were written without their place.
        const { since = 0, role, isSuspended } = decode(unit.scope.open("member", id, body)) as MemberBody;
        return ended !== null && Number(ended) > since ? [] : [[id, { role, ...(isSuspended && { isSuspended }) }]];
      }),
    );
  },

  /** Of rows from before administrators of the instance had a list of their own. */
  async formerAdministrators(): Promise<readonly Id<"person">[]> {
    const rows = await unit.query<MemberRow>("select person, body from member", []);
    return rows.flatMap(({ person, body }) => {
      const id = idFrom("person", person);
      const { administrator } = decode(unit.scope.open("member", id, body)) as MemberBody;
      return administrator ? [id] : [];
    });
  },

  /** From now on, whatever ended before. */
  async saveMember(person: Id<"person">, { role, isSuspended }: Membership): Promise<void> {
    const since = await this.nextSeq();
    const sealed = unit.scope.seal("member", person, encode({ role, isSuspended, since }));
    await unit.query(
      `insert into member (org, person, body) values ($1, $2, $3)
       on conflict (org, person) do update set body = excluded.body`,
      [uuidOf(unit.scope.org), uuidOf(person), sealed],
    );
  },

  async removeMember(person: Id<"person">): Promise<void> {
    await unit.query("delete from member where person = $1", [uuidOf(person)]);
  },
});

const isSignIn = ({ inPerson, isLent }: Credential): boolean => inPerson || isLent === true;

async function rowsOf(unit: Unit, where: string, values: readonly unknown[]): Promise<readonly Credential[]> {
  const rows = await unit.query<CredentialRow>(`select ${columns} from credential where ${where}`, values);
  return rows.map((row) => credentialOf(unit, row));
}

/** What revocations call a membership, which may end while its person's credentials elsewhere do not. */
export const membershipOf = (person: Id<"person">): string => `member/${person}`;

type MemberRow = { person: string; body: Uint8Array; ended: string | null };
type MemberBody = Membership & { readonly since?: number; readonly administrator?: boolean };

function credentialOf(unit: Unit, row: CredentialRow): Credential {
  const id = idFrom(row.prefix, row.id);
  const fixed = {
    person: row.person === null ? undefined : idFrom("person", row.person),
    application: row.application === null ? undefined : idFrom("application", row.application),
    device: row.device === null ? undefined : idFrom("device", row.device),
    ...(row.app_user !== null &&
      row.app_session !== null && {
        user: { id: idFrom("user", row.app_user), session: idFrom("session", row.app_session) },
      }),
    ...(row.dashboard !== null && { dashboard: idFrom("dashboard", row.dashboard) }),
    parent: row.parent === null || row.parent_prefix === null ? undefined : idFrom(row.parent_prefix, row.parent),
    issuedSeq: Number(row.issued_seq),
    expiresAt: instant(row.expires_at),
    digest: row.digest,
    version: row.version,
  };
  const half = { id, ...fixed, createdAt: Number(row.created_at) as Instant, lastUsedAt: instant(row.last_used_at) };
  const unopened = { kind: "device", name: "", state: "active", grants: [], makers: [], inPerson: false } as const;
  const name = rowName(id, fixedOf({ ...half, ...unopened, publicKey: undefined, conditions: undefined }));
  const body = decode(unit.scope.open("credential", name, row.body)) as Body; // sealed by `save`, so it is one
  const {
    kind,
    state,
    makers = [], // those of before they were kept have none
    inPerson = kind === "apiToken" && half.person !== undefined && half.parent === undefined,
    publicKey,
    conditions,
  } = body;
  const grants = parseGrants(body.grants);
  const { issued, former, rotatedAt, exposed, leakedAt, isLent, proofs, by } = body;
  const life = {
    ...(isLent && { isLent }),
    ...(proofs && { proofs }),
    ...(issued && { issued }),
    ...(body.enrols && { enrols: body.enrols }),
    ...(body.socket && { socket: body.socket }),
    ...(former && { former: { madeAt: half.createdAt, ...former, digest: Uint8Array.fromHex(former.digest) } }),
    ...(rotatedAt !== undefined && { rotatedAt }),
    ...(exposed && { exposed }),
    ...(leakedAt !== undefined && { leakedAt }),
    ...(by && { by }),
  };
  return { ...half, kind, name: body.name, state, grants, makers, inPerson, publicKey, conditions, ...life };
}

const prefixOf = (id: CredentialId): "key" | "token" | "session" =>
  isId("token", id) ? "token" : isId("key", id) ? "key" : "session";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
