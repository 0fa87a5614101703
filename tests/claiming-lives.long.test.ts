import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { startTestPlatform, TestClock, type TestPlatform } from "../apps/server/src/testing/index.ts";
import { App, password, says, type SignedIn } from "./application-users.fixture.ts";
import { Owner } from "./authority.fixture.ts";
import { Chance } from "./faults/seed.ts";

// Random histories of devices that customers claim, give on, release and contest, several at once, on the real platform and beside a model of what
// docs/claiming.md says, which shares no code with it. Whoever answered as no order of what was asked at once explains is a device given away.

const [minute, day] = [60_000, 86_400_000];
const [lives, turns] = [4, 50];
/** The server's own certificate is renewed after sixty. */
const longest = 55 * day;
const often = ["claim", "claim", "claim", "claim", "contest", "contest", "transfer", "transfer"] as const;
const rare = ["print", "bind", "keep", "object", "release"] as const;

/** Whose a device is, and the codes that are good. */
type World = {
  readonly owner?: string | undefined;
  /** On the box; without it, none was printed or its owner objected. */
  readonly box?: string | undefined;
  readonly offer?: { readonly code: string; readonly to: string | undefined; readonly until: number } | undefined;
  readonly contest?: { readonly by: string; readonly due: number } | undefined;
};
type Act = {
  readonly what: "print" | "bind" | "claim" | "contest" | "transfer" | "keep" | "object" | "release";
  readonly device: number;
  readonly by: string;
  /** To whom. */
  readonly to?: string | undefined;
  readonly code?: string | undefined;
};
/** What was answered, with the code that it gave. */
type Said = { readonly says: string; readonly code?: string | undefined };

const [ok, invalid, unknown] = ["200", "403 claim.invalid", "404 device.unknown"];

/** What follows, and what it is answered. */
function after(world: World, { what, by, to, code }: Act, now: number, given = ""): [World, string] {
  const { owner, box, contest } = world;
  const offer = world.offer && now < world.offer.until ? world.offer : undefined;
  const of = (next: string | undefined): World => ({ box, owner: next });
  switch (what) {
    case "print":
      return [{ owner, box: given, offer }, ok];
    case "bind":
      return [of(to), ok];
    case "claim": {
      const isOffered = code === offer?.code && by !== owner && (offer?.to ?? by) === by;
      const isBoxed = code === box && (owner === undefined || (contest?.by === by && now >= contest.due));
      return code !== undefined && (isOffered || isBoxed) ? [of(by), ok] : [world, invalid];
    }
    case "contest": {
      const isHeard = code !== undefined && code === box && owner !== undefined && owner !== by && !offer && !contest;
      return [isHeard ? { owner, box, contest: { by, due: now + 14 * day } } : world, ok];
    }
    default:
  }
  if (owner !== by) return [world, unknown];
  switch (what) {
    case "transfer":
      return contest
        ? [world, "409 claim.contested"]
        : [{ owner, box, offer: { code: given, to, until: now + 7 * day } }, ok];
    case "keep":
      return [{ owner, box, contest }, ok];
    case "object":
      return contest ? [{ owner }, ok] : [world, "409 claim.notContested"];
    case "release":
      return [of(undefined), ok];
  }
}

const orders = <T>(of: readonly T[]): T[][] =>
  of.length < 2 ? [[...of]] : of.flatMap((one, at) => orders(of.toSpliced(at, 1)).map((rest) => [one, ...rest]));

test("nobody ever has a device without its owner's leave, the organisation's or the code on its box, whatever is asked at once", async (t) => {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const counts = new Map<string, number>();
  for (let life = 0; life < lives; life += 1) {
    const clock = new TestClock(systemClock.now());
    const platform = await startTestPlatform({ clock, timers: clock });
    try {
      await live(platform, clock, chance, counts);
    } finally {
      await platform.close();
    }
  }
  t.diagnostic([...counts].map(([what, count]) => `${count} × ${what}`).join(", "));
});

async function live(
  platform: TestPlatform,
  clock: TestClock,
  chance: Chance,
  counts: Map<string, number>,
): Promise<void> {
  const began = clock.now();
  const visitor = platform.visitor.unkept();
  const owner = new Owner(visitor, await platform.setUp());
  const app = await App.of({ visitor, clock }, owner);
  /** What she signs in with lasts for hours. */
  const signIn = async () =>
    visitor.as((await visitor.post<{ token: string }>("/v1/sign-in", { email: "owner@example.com", password })).token);
  let organisation = owner.asks;
  const devices = await Promise.all([0, 1, 2].map(() => owner.device(app.id)));
  const signedIn = new Map<string, SignedIn & { login: string }>();
  for (let n = 0; n < 4; n += 1) {
    const one = await app.user();
    signedIn.set(one.user, one);
  }
  const people = [...signedIn.keys()];
  const tokenOf = async (user: string): Promise<string> => {
    const before = signedIn.get(user);
    assert.ok(before);
    const { status, body } = await app.refresh(before.refreshToken);
    const now = status === 200 ? body : (await app.signInAs(before.login)).body;
    signedIn.set(user, { ...before, ...now });
    return now.accessToken;
  };

  const of = "/v1/application-users/me";
  const send = async (act: Act, token: string): Promise<Said> => {
    const device = devices[act.device];
    assert.ok(device);
    const mine = `${of}/claims/${device.id}`;
    const answer = await (() => {
      const ask = (method: string, path: string, body?: object) =>
        app.ask<{ code?: string }>(method, path, body, token);
      switch (act.what) {
        case "print":
          return organisation.send<{ code?: string }>("POST", `/v1/devices/${device.id}/claim-code`, { body: {} });
        case "bind":
          return organisation.send("PUT", `/v1/devices/${device.id}/user`, { body: { user: act.to ?? null } });
        case "claim":
          return ask("POST", `${of}/claims`, { code: act.code });
        case "contest":
          return ask("POST", `${of}/contests`, { code: act.code });
        case "transfer":
          return ask("POST", `${mine}/transfer`, act.to === undefined ? {} : { to: signedIn.get(act.to)?.login });
        case "keep":
          return ask("DELETE", `${mine}/transfer`);
        case "object":
          return ask("POST", `${mine}/objection`, {});
        case "release":
          return ask("DELETE", mine);
      }
    })();
    const { code } = answer.body as { code?: string };
    return answer.status < 300 ? { says: ok, code } : { says: says(answer) };
  };

  // What may be so: where two orders explain what was answered, both.
  let possible: (readonly World[])[] = [devices.map(() => ({}))];
  const codes: { readonly device: number; readonly code: string }[] = [{ device: 0, code: "0000-0000-0000-0000-0001" }];
  const happened: string[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const days = chance.between(day, 16 * day);
    const isLater = chance.between(0, 7) === 0 && clock.now() + days < began + longest;
    // Who tried often within an hour waits.
    clock.move(isLater ? days : 70 * minute);
    organisation = await signIn();
    const about = chance.between(0, devices.length - 1);
    const { owner: hers, box, offer, contest } = possible[0]?.[about] ?? {};
    const acts = Array.from({ length: chance.between(1, 3) }, (): Act => {
      const what = chance.one(chance.between(0, 2) === 0 ? rare : often);
      const isOfCodes = what === "claim" || what === "contest";
      // Mostly by whom it may be, and with the code that may do it, or else with any that there was.
      const likely = isOfCodes ? (contest?.by ?? offer?.to) : hers;
      const by = likely !== undefined && chance.between(0, 3) > 0 ? likely : chance.one(people);
      const to =
        chance.between(0, 2) > 0 ? undefined : chance.one(what === "bind" && hers ? [hers, ...people] : people);
      if (!isOfCodes) return { what, device: about, by, to };
      const good = chance.between(0, 1) === 0 ? box : (offer?.code ?? box);
      const known = good !== undefined && chance.between(0, 3) > 0 ? { device: about, code: good } : chance.one(codes);
      return { what, by, ...known };
    });
    const tokens = new Map<string, string>();
    for (const { by } of acts) if (!tokens.has(by)) tokens.set(by, await tokenOf(by));
    const said = await Promise.all(acts.map((act) => send(act, tokens.get(act.by) ?? "")));
    const users = await Promise.all(
      devices.map(async ({ id }) => (await organisation.get<{ user?: string }>(`/v1/devices/${id}/claim`)).user),
    );

    happened.push(JSON.stringify({ now: clock.now(), acts, said, users }));
    for (const [at, { code, says: what }] of said.entries()) {
      if (code !== undefined) codes.push({ device: about, code });
      const kind = `${acts[at]?.what} ${what}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const fitting = possible.flatMap((worlds) =>
      orders(acts.map((act, at) => ({ act, answer: said[at] }))).flatMap((order) => {
        let next = worlds;
        for (const { act, answer } of order) {
          const [world, expected] = after(next[act.device] ?? {}, act, clock.now(), answer?.code);
          if (expected !== answer?.says) return [];
          next = next.with(act.device, world);
        }
        return users.every((user, device) => next[device]?.owner === user) ? [next] : [];
      }),
    );
    const last = [JSON.stringify(possible), ...happened.slice(-6)].join("\n");
    assert.ok(
      fitting.length > 0,
      `seed ${chance.seed}, turn ${turn}: nothing explains what was answered last\n${last}`,
    );
    possible = [...new Map(fitting.map((one) => [JSON.stringify(one), one])).values()];
  }
}
