import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { parseGrants } from "@holdfast/protocol";
import type { Allowed, Unit } from "../storage/index.ts";
import { asOwner, atEnd, freshStorage } from "../testing/index.ts";
import { parties, type Credential } from "./credential.ts";
import { authorityIn } from "./postgres.ts";

// What somebody could do who writes to the database and has no keys: each change of a row makes it unreadable.
const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage, database } = fresh;
const anOrg = async (): Promise<Allowed> => {
  const scope = await storage.makeOrg(newId("org", systemRandom));
  const allowed: Allowed = { scope, actor: { kind: "platform" } };
  await change(allowed, (unit) =>
    unit.query("insert into organisation (org, created_at, version, body) values ($1, 1, 1, '')", [uuidOf(scope.org)]),
  );
  return allowed;
};
const change = <T>(allowed: Allowed, work: (unit: Unit) => Promise<T>): Promise<T> =>
  storage.change(allowed, async (unit) => {
    unit.audit({ what: "tried", about: allowed.scope.org });
    return work(unit);
  });
const [ours, theirs] = [await anOrg(), await anOrg()];

const credential = (more: Partial<Credential> = {}): Credential => ({
  id: newId("key", systemRandom),
  kind: "operator",
  name: "night shift",
  state: "active",
  parent: undefined,
  makers: [newId("key", systemRandom), newId("token", systemRandom)],
  person: newId("person", systemRandom),
  inPerson: false,
  application: newId("application", systemRandom),
  device: newId("device", systemRandom),
  grants: parseGrants(["device.read"]),
  issuedSeq: 7,
  createdAt: 1 as Instant,
  expiresAt: 99 as Instant,
  lastUsedAt: undefined,
  digest: systemRandom.bytes(32),
  publicKey: undefined,
  conditions: undefined,
  version: 1,
  ...more,
});
const save = (one: Credential, as = ours) => change(as, (unit) => authorityIn(unit).save(one));
const plain = (one: Credential): Credential => ({ ...one, digest: new Uint8Array(one.digest) });
const read = async (id: Credential["id"], as = ours) => {
  const found = await storage.read(as, (unit) => authorityIn(unit).credential(id));
  return found && plain(found);
};
const asAttacker = (statement: string, as = ours) =>
  asOwner(database.login, `begin; set local app.org = '${uuidOf(as.scope.org)}'; ${statement}; commit`);
const at = (id: Credential["id"]) => `where id = '${uuidOf(id)}'`;

test("a credential is read back as it was saved, by its organisation alone", async () => {
  const parent = credential();
  const publicKey = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } as const;
  const id = newId("token", systemRandom);
  const one = credential({ id, kind: "apiToken", parent: parent.id, name: "“ü”", publicKey });
  await save(parent);
  await save(one);
  assert.deepEqual(await read(one.id), one);
  assert.equal(await read(one.id, theirs), undefined);
  const above = await storage.read(ours, (unit) => authorityIn(unit).ancestorsOf([one]));
  assert.deepEqual(above.map(plain), [parent]);
  assert.equal(await read(`ses_${parent.id.slice(4)}` as Id<"session">), undefined, "nor under another kind's name");
});

test("a token that was kept before sign-ins were told apart is a sign-in's, unless another credential had made it", async () => {
  const parent = credential();
  await save(parent);
  const [alone, child] = [undefined, parent.id].map((above) =>
    credential({ id: newId("token", systemRandom), kind: "apiToken", parent: above }),
  );
  for (const [one, isSignIn] of [
    [alone, true],
    [child, false],
  ] as const) {
    assert.ok(one);
    await save({ ...one, inPerson: undefined as unknown as boolean }); // as it was written then
    assert.equal((await read(one.id))?.inPerson, isSignIn);
    await save(one);
    assert.equal((await read(one.id))?.inPerson, false);
  }
});

test("what stands readable beside a sealed credential cannot be changed in the database", async () => {
  const other = credential();
  await save(other);
  const changes = [
    "parent = gen_random_uuid(), parent_prefix = 'key'",
    "parent = null",
    "person = gen_random_uuid()",
    "person = null",
    "application = gen_random_uuid()",
    "application = null",
    "device = gen_random_uuid()",
    "device = null",
    "issued_seq = issued_seq + 1",
    "expires_at = expires_at + 1",
    "expires_at = null",
    "digest = sha256('mine')",
    "version = version + 1",
    "prefix = 'token'",
    `body = (select body from credential ${at(other.id)})`,
    "body = set_byte(body, length(body) - 1, get_byte(body, length(body) - 1) # 1)",
  ];
  for (const set of changes) {
    const one = credential({ parent: other.id });
    await save(one);
    await asAttacker(
      `set local session_replication_role = replica; update holdfast.credential set ${set.replace("from credential", "from holdfast.credential")} ${at(one.id)}`,
    );
    const id = set.startsWith("prefix") ? (`tok_${one.id.slice(4)}` as Id<"token">) : one.id;
    await assert.rejects(read(id), { code: "seal.broken" }, set);
  }
});

test("an older body does not open in a newer row: what was revoked stays revoked", async () => {
  const one = credential();
  await save(one);
  await asAttacker(`create table public.kept_${one.id} as select body from holdfast.credential ${at(one.id)}`);
  await save({ ...one, state: "revoked", version: 2 });
  assert.equal((await read(one.id))?.state, "revoked");
  await asAttacker(`update holdfast.credential set body = (select body from public.kept_${one.id}) ${at(one.id)}`);
  await assert.rejects(read(one.id), { code: "seal.broken" });
});

test("a row under another organisation's name opens there no more than here", async () => {
  const one = credential();
  await save(one);
  await asOwner(
    database.login,
    `set session_replication_role = replica; alter table holdfast.credential disable row level security;
     update holdfast.credential set org = '${uuidOf(theirs.scope.org)}' ${at(one.id)};
     alter table holdfast.credential enable row level security`,
  );
  await assert.rejects(read(one.id, theirs), { code: "seal.broken" });
  assert.equal(await read(one.id), undefined);
});

test("a member's role opens as that member's alone", async () => {
  const [viewer, owner] = [newId("person", systemRandom), newId("person", systemRandom)];
  await asOwner(
    database.login,
    ...[viewer, owner].map(
      (id) =>
        `insert into holdfast.person (id, email_index, created_at, body) values ('${uuidOf(id)}', sha256('${id}'), 1, '')`,
    ),
  );
  await change(ours, async (unit) => {
    await authorityIn(unit).saveMember(viewer, { role: "viewer" });
    await authorityIn(unit).saveMember(owner, { role: "owner", isSuspended: true });
  });
  const members = () => storage.read(ours, (unit) => authorityIn(unit).members());
  assert.deepEqual((await members()).get(viewer), { role: "viewer" });
  assert.deepEqual((await members()).get(owner), { role: "owner", isSuspended: true });
  await asAttacker(
    `update holdfast.member set body = (select body from holdfast.member where person = '${uuidOf(owner)}') where person = '${uuidOf(viewer)}'`,
  );
  await assert.rejects(members(), { code: "seal.broken" });
});

test("marks only rise, and a device that moves takes the later of the two along", async () => {
  const [application, device] = [newId("application", systemRandom), newId("device", systemRandom)];
  const marksOf = async (about: string) =>
    new Map(
      (await storage.read(theirs, (unit) => authorityIn(unit).revocations()))
        .filter((mark) => mark.about === about)
        .map(({ ends, seq }) => [ends, seq]),
    );
  await change(theirs, async (unit) => {
    const rows = authorityIn(unit);
    await rows.revoke(application, parties, 20);
    await rows.revoke(application, ["devices"], 30);
    await rows.revoke(application, ["people"], 10);
    await rows.revoke(device, ["programs"], 25);
    const taken = await rows.inherit(device, application);
    assert.deepEqual(
      new Map(taken.map(({ ends, seq }) => [ends, seq])),
      new Map([["people", 20] as const, ["devices", 30] as const]),
    );
  });
  assert.deepEqual(
    await marksOf(application),
    new Map([
      ["people", 20],
      ["programs", 20],
      ["devices", 30],
    ]),
  );
  assert.deepEqual(
    await marksOf(device),
    new Map([
      ["programs", 25],
      ["people", 20],
      ["devices", 30],
    ]),
  );
});
