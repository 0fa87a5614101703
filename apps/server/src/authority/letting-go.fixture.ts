import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { newId, systemClock, systemRandom, uuidOf, type Instant } from "@holdfast/kernel";
import { asOwner, freshStorage, TestClock } from "../testing/index.ts";
import { Authentication } from "./authentication.ts";
import { cameBy } from "./circumstances.ts";
import { HighWater } from "./high-water.ts";
import { Journal } from "./journal.ts";
import { LettingGo } from "./letting-go.ts";
import { authorityIn } from "./postgres.ts";
import { Revocation } from "./revocation.ts";
import { Sessions } from "./sessions.ts";
import { asPlatform, Spaces } from "./spaces.ts";
import { longest } from "./session.ts";
import { TokenKeys } from "./token-keys.ts";

const random = systemRandom;
const atOnce = 100;
const here = cameBy("https", "127.0.0.1", "TLSv1.3", undefined);

/** Somebody signs in and out so often: what is known of it then, and what is when the last of these sessions would have been over. */
export async function signInAndOut(t: TestContext, times: number): Promise<void> {
  const machine = new TestClock(systemClock.now());
  const clock = new HighWater(machine, 0 as Instant);
  const { storage, keyring: keys, database, close } = await freshStorage({ clock });
  t.after(close);
  const things = async () => ({ devices: new Map(), applications: new Set<never>(), products: new Map() });
  const spaces = new Spaces({ storage, things, demands: async () => ({}) });
  const journal = new Journal({ book: keys.journal, report: assert.fail });
  const tokenKeys = await TokenKeys.load({ storage, random });
  const authentication = new Authentication({ storage, spaces, tokenKeys, clock, random, onRefusal: () => undefined });
  const revocation = new Revocation({ storage, spaces, journal });
  const sessions = new Sessions({ storage, keys, spaces, authentication, revocation, clock, random });
  const lettingGo = new LettingGo({ storage, spaces, journal, clock });

  async function organisation() {
    const [org, person] = [newId("org", random), newId("person", random)];
    const scope = await storage.makeOrg(org);
    const insert = `insert into holdfast.person values ('${uuidOf(person)}', sha256('${person}'), 1, '');
      begin; set local app.org = '${uuidOf(org)}'; insert into holdfast.organisation values ('${uuidOf(org)}', 1, 1, ''); commit`;
    await asOwner(database.login, insert);
    await storage.change(asPlatform(scope), async (unit) => {
      await authorityIn(unit).saveMember(person, { role: "owner" });
      unit.audit({ what: "made", about: org });
    });
    return { org, person, space: await spaces.of(org) };
  }
  // Changes of one organisation wait for each other.
  const places = await Promise.all(Array.from({ length: 10 }, organisation));
  const comeAndGo = async ({ org, person }: (typeof places)[number]) => {
    const { session, cookie } = await sessions.begin(person, {
      proofs: ["password"],
      visit: { address: "127.0.0.1", agent: "", origin: undefined },
    });
    await sessions.callerIn(cookie, org, here);
    await sessions.ends.everywhere(session, "signOut.done");
  };
  for (let done = 0; done < times; done += atOnce)
    await Promise.all(Array.from({ length: atOnce / places.length }, () => places.map(comeAndGo)).flat());

  const known = async () => {
    const counts = await Promise.all(
      places.map(async ({ space }) => ({
        rows: await storage.read(
          asPlatform(space.scope),
          async (unit) => (await authorityIn(unit).revocations()).length,
        ),
        marks: space.marks,
        credentials: space.credentials.size,
      })),
    );
    const sum = (of: "rows" | "marks" | "credentials") => counts.reduce((all, one) => all + one[of], 0);
    const journal = (await keys.journal.all()).length;
    return { journal, rows: sum("rows"), marks: sum("marks"), credentials: sum("credentials") };
  };
  assert.deepEqual(await known(), { journal: times, rows: times, marks: times, credentials: times });

  const round = async () => {
    spaces.forgetExpired(clock.now());
    await lettingGo.round();
  };
  await round();
  assert.equal((await known()).journal, times, "they would be good yet");
  machine.move(longest);
  await round();
  assert.deepEqual(await known(), { journal: 0, rows: 0, marks: 0, credentials: 0 });
  assert.equal(await keys.journal.letGoBy(), machine.now());
}
