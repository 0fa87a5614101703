import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf, type Device, type Owner, type Problem, type SignedIn } from "./authority.fixture.ts";
import { Story } from "./story.fixture.ts";

// An older backup of the database beside today's keyring: whoever was suspended since stays so, who administers the instance is who does now, and
// an organisation is stopped, deleted or kept as was said last.

const hour = 3_600_000;
const day = 24 * hour;
const password = "correct horse battery staple";

test("an older backup brings back no suspended member, no administrator and no deleted organisation, and ends none that was kept", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const make = async (by: Owner, name: string) => {
    const { org, token } = await by.asks.post<SignedIn>("/v1/orgs", { name });
    return { org, token };
  };
  const deviceOf = async (token: string): Promise<Device> => {
    const asks = story.platform.visitor.as(token);
    const { id } = await asks.post<{ id: string }>("/v1/applications", { name: "Plant" });
    return asks.post<Device>("/v1/devices", { application: id, name: "Pump" });
  };
  const [deleted, kept, suspended] = [
    await make(first, "Deleted"),
    await make(first, "Kept"),
    await make(first, "Suspended"),
  ];
  const devices = [await deviceOf(deleted.token), await deviceOf(kept.token), await deviceOf(suspended.token)];
  const [out, again, colleague] = ["out", "again", "colleague"].map((name) => ({
    email: `${name}@example.com`,
    password,
  })) as [Who, Who, Who]; // as many as names
  const { person: outOf } = await first.member(out, "developer");
  const { person: againOf } = await first.member(again, "developer");
  const { person: colleagueOf } = await first.member(colleague);
  const stop = (by: Owner, org: string, what: string, method = "POST") =>
    by.asks.send(method, `/v1/instance/organisations/${org}/${what}`);
  await first.asks.put(`/v1/instance/administrators/${colleagueOf}`, {});
  await stop(first, kept.org, "deletion");
  await first.asks.post(`/v1/members/${againOf}/suspend`);
  const { owner, backup } = await story.backup();

  await stop(owner, deleted.org, "deletion");
  await stop(owner, kept.org, "deletion", "DELETE");
  await stop(owner, suspended.org, "suspend");
  await owner.asks.post(`/v1/members/${outOf}/suspend`);
  await owner.asks.post(`/v1/members/${againOf}/resume`);
  await story.whileTheKeyringIsAway(() => owner.asks.delete(`/v1/instance/administrators/${colleagueOf}`));

  const codeOf = async (path: string, body: object) => {
    story.clock.move(1_000);
    const answer = await story.platform.visitor.anew().send<Problem>("POST", path, { body });
    return answer.status < 300 ? "in" : answer.body.code;
  };
  const signIn = (who: Who) => codeOf("/v1/sign-in", who);
  const readings = () =>
    Promise.all(
      devices.map(async ({ key }) => {
        const asks = story.platform.visitor.as(textOf(key)).anew();
        const { status, body } = await asks.send<Problem>("POST", "/v1/me/telemetry", { body: { temperature: 1 } });
        return status < 300 ? "in" : body.code;
      }),
    );
  assert.deepEqual(await readings(), ["org.ending", "in", "org.suspended"]);

  await story.restore(backup);
  const told = story.platform.reports.find((line) => line.includes("had lost what was decided last")) ?? "";
  for (const part of ["suspended members 1", "organisations that are stopped 3"]) assert.ok(told.includes(part), told);
  assert.deepEqual(await readings(), ["org.ending", "in", "org.suspended"]);
  assert.deepEqual(await Promise.all([signIn(out), signIn(colleague)]), ["member.suspended", "in"]);
  // Of two that say otherwise, the one that keeps her out: somebody lets her in once more.
  assert.equal(await signIn(again), "member.suspended");
  const mayAdminister = async ({ email }: Who) => {
    const asked = { email, password, org: first.org };
    const { token } = await story.platform.visitor.anew().post<SignedIn>("/v1/sign-in", asked);
    return (await story.platform.visitor.as(token).send("GET", "/v1/instance/people")).status;
  };
  assert.equal(await mayAdminister(colleague), 403);
  story.clock.move(1_000);
  assert.equal(await mayAdminister({ email: "owner@example.com", password }), 200);

  story.clock.set(story.clock.now() + 7 * day);
  story.clock.move(hour);
  const isGone = () => story.platform.reports.some((line) => line.includes(`${deleted.org} was deleted`));
  while (!isGone()) await new Promise(setImmediate);
  assert.deepEqual(await readings(), ["credential.invalid", "in", "org.suspended"]);

  await story.stop();
  await story.restore(story.database);
  assert.ok(story.platform.reports.some((line) => line.includes(`rows of ${deleted.org}, which was erased`)));
  assert.deepEqual(await readings(), ["credential.invalid", "in", "org.suspended"]);
});

type Who = { readonly email: string; readonly password: string };
