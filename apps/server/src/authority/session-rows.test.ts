import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Instant } from "@holdfast/kernel";
import { asOwner, atEnd, freshStorage } from "../testing/index.ts";
import { sessionsIn } from "./session-rows.ts";
import type { Session } from "./session.ts";

// What somebody could do who writes to the database and has no keys: he signs nobody in, and keeps nobody signed in for longer.
const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage, database } = fresh;
const needs = { keys: fresh.keyring, random: systemRandom };
const [ada, eve] = [newId("person", systemRandom), newId("person", systemRandom)];
for (const person of [ada, eve])
  await asOwner(database.login, `insert into holdfast.person values ('${uuidOf(person)}', sha256('${person}'), 1, '')`);

const sealed = {
  proofs: ["password", "totp"],
  provedAt: 1_000 as Instant,
  only: newId("org", systemRandom),
  by: { provider: newId("provider", systemRandom), marks: ["prv", "link"], signOutAt: "https://provider.example/end" },
  isFamiliar: true,
  from: { address: "192.0.2.7", agent: "Mozilla/5.0" },
} as const;

const save = async (more: Partial<Session> = {}): Promise<Session> => {
  const [person, at] = [ada, 1_000 as Instant];
  const session: Session = {
    ...sealed,
    id: newId("session", systemRandom),
    digest: systemRandom.bytes(32),
    person,
    issuedSeq: 7,
    createdAt: at,
    expiresAt: at,
    ...more,
  };
  await storage.instance.change((unit) => sessionsIn(unit, needs).add(session));
  return session;
};
const find = ({ digest }: Session) => storage.instance.read((unit) => sessionsIn(unit, needs).find(digest));
const at = ({ digest }: Session) => `where digest = '\\x${digest.toHex()}'`;

test("a session is found by the digest of its cookie, as it was kept", async () => {
  const session = await save();
  const found = await find(session);
  assert.deepEqual(found && { ...found.session, digest: new Uint8Array(found.session.digest) }, session);
  assert.equal(found?.seenAt, session.createdAt);
  assert.equal(await find({ ...session, digest: systemRandom.bytes(32) }), undefined);
});

test("what stands readable in the row of a session cannot be changed in the database", async () => {
  const other = await save({ person: eve });
  const changes = [
    "id = gen_random_uuid()",
    `person = '${uuidOf(eve)}'`,
    "issued_seq = issued_seq + 1",
    "created_at = created_at + 1",
    "expires_at = expires_at + 1",
    `proof = (select proof from holdfast.session ${at(other)})`,
    "proof = ''",
  ];
  for (const set of changes) {
    const session = await save();
    await asOwner(database.login, `update holdfast.session set ${set} ${at(session)}`);
    await assert.rejects(find(session), { code: "seal.broken" }, set);
  }
  const stolen = await save({ person: eve });
  const mine = { ...stolen, digest: systemRandom.bytes(32) };
  await asOwner(database.login, `update holdfast.session set digest = '\\x${mine.digest.toHex()}' ${at(stolen)}`);
  await assert.rejects(find(mine), { code: "seal.broken" }, "the row of another cookie");
});

test("whoever proves who she is once more has another cookie, and the row of before is worth nothing", async () => {
  const before = await save();
  const after: Session = { ...before, digest: systemRandom.bytes(32), provedAt: 9_000 as Instant };
  const replace = () => storage.instance.change((unit) => sessionsIn(unit, needs).replace(before.digest, after));
  assert.equal(await replace(), true);
  assert.equal((await find(after))?.session.provedAt, 9_000);
  assert.equal(await find(before), undefined);
  assert.equal(await replace(), false, "once");
});

test("when she was seen is kept, and the longest time in which she was not; what has ended is forgotten", async () => {
  const far = 9_000_000 as Instant;
  const [seen, ended] = [await save({ expiresAt: (far + 1) as Instant }), await save({ expiresAt: far })];
  await storage.instance.change(async (unit) => {
    const rows = sessionsIn(unit, needs);
    await rows.saw([seen, ended].map(({ id }) => ({ id, seenAt: far, quiet: 700 })));
    await rows.saw([{ id: seen.id, seenAt: 5 as Instant, quiet: 3 }]); // told late
    await rows.removeEnded(far);
  });
  assert.partialDeepStrictEqual(await find(seen), { seenAt: far, quiet: 700 });
  assert.equal(await find(ended), undefined);
});
