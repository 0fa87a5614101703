import assert from "node:assert/strict";
import { startTestPlatform, TestClock, type TestPlatform } from "../apps/server/src/testing/index.ts";
import { systemClock } from "@holdfast/kernel";
import {
  Owner,
  textOf,
  type Device,
  type Key,
  type Problem,
  type Role,
  type Thing,
  type Token,
} from "./authority.fixture.ts";

const password = "correct horse battery staple";

/** A small generator with a seed, so that what failed can be repeated (mulberry32). */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Credential = { readonly id: string; readonly text: string };

/**
 * Two people with limited roles and all that they make do what they like with roles, members and credentials. Whatever that is, nothing
 * of theirs ever may what neither of them could at the start.
 */
export class Conspiracy {
  readonly #platform: TestPlatform;
  readonly #clock: TestClock;
  readonly #owner: Owner;
  readonly #made: Awaited<ReturnType<typeof furnished>>;
  /** What was done and not refused: a sequence in which nothing works would prove nothing. */
  readonly done = new Map<string, number>();

  private constructor(
    platform: TestPlatform,
    clock: TestClock,
    owner: Owner,
    made: Awaited<ReturnType<typeof furnished>>,
  ) {
    this.#platform = platform;
    this.#clock = clock;
    this.#owner = owner;
    this.#made = made;
  }

  static async start(): Promise<Conspiracy> {
    const clock = new TestClock(systemClock.now());
    const platform = await startTestPlatform({ clock });
    const owner = new Owner(platform.visitor, await platform.setUp());
    return new Conspiracy(platform, clock, owner, await furnished(owner));
  }

  close(): Promise<void> {
    return this.#platform.close();
  }

  async run(seed: number): Promise<void> {
    const at = numbersFrom(seed);
    const pick = <T>(of: readonly T[]): T => of[at(of.length)] as T; // within its length
    await this.#begin();
    const { chief, reader, device, application } = this.#made;
    const credentials: Credential[] = [chief, reader].map(({ token }) => ({ id: "", text: token }));
    for (const one of credentials.keys()) {
      const { text } = credentials[one] ?? assert.fail();
      const { credential } = await this.#platform.visitor.as(text).get<{ credential: string }>("/v1/me");
      credentials[one] = { id: credential, text };
    }
    for (let step = 0; step < 10; step += 1) {
      this.#clock.move(1_000);
      const roles = (await this.#owner.asks.get<{ items: Role[] }>("/v1/roles")).items;
      const own = roles.filter(({ id, name }) => id !== name);
      const role = () => pick([...own, ...own, ...roles]).id;
      // Half the time what the chief may give, or hardly anything would be done.
      const wanted = pick([this.#grants, this.#givable]);
      const grants = [pick(wanted), pick(wanted)];
      const name = `role ${at(5)}`;
      const by = pick([credentials[0] ?? assert.fail(), pick(credentials)]);
      const person = pick([chief, reader, reader]).person;
      const [what, method, path, body] = pick<[string, string, string, unknown?]>([
        ["mint a token", "POST", "/v1/tokens", { name, grants }],
        [
          "mint a narrow token",
          "POST",
          "/v1/tokens",
          { name, grants: [`device.read:${application.id}`, "token.create"] },
        ],
        ["mint an operator key", "POST", "/v1/operator-keys", { name, grants }],
        ["mint an access key", "POST", `/v1/applications/${application.id}/keys`, { name, grants: ["device.read"] }],
        ["mint a device's key", "POST", `/v1/devices/${device.id}/keys`],
        ["make a role", "POST", "/v1/roles", { name, grants }],
        ["change a role", "PATCH", `/v1/roles/${role()}`, { grants }],
        ["delete a role", "DELETE", `/v1/roles/${role()}?replacement=${role()}`],
        ["give a role", "PATCH", `/v1/members/${person}`, { role: role() }],
        ["apply a file", "POST", "/v1/roles/file", { roles: this.#fileOf(roles, [{ name, grants }]) }],
        ["invite", "POST", "/v1/invitations", { email: `guest-${at(3)}@example.com`, role: role() }],
      ]);
      const answer = await this.#platform.visitor
        .as(by.text)
        .send<Token & Key & Problem>(method, path, body === undefined ? {} : { body });
      assert.ok(answer.status < 500, `${what}: ${answer.text} (seed ${seed})`);
      if (answer.status >= 300) continue;
      this.done.set(what, (this.done.get(what) ?? 0) + 1);
      const { id, token, secret } = answer.body;
      if (token !== undefined) credentials.push({ id, text: token });
      else if (secret !== undefined) credentials.push({ id, text: textOf({ id, secret }) });
    }
    await this.#judge(credentials, seed);
  }

  /** As it was before anybody did anything. */
  async #begin(): Promise<void> {
    const { chief, reader, roles } = this.#made;
    const { asks } = this.#owner;
    await asks.patch(`/v1/members/${chief.person}`, { role: "viewer" });
    await asks.patch(`/v1/members/${reader.person}`, { role: "viewer" });
    await asks.post("/v1/roles/file", { roles });
    const { items } = await asks.get<{ items: Role[] }>("/v1/roles");
    for (const [{ person }, name] of [
      [chief, "Chief"],
      [reader, "Reader"],
    ] as const)
      await asks.patch(`/v1/members/${person}`, { role: items.find((role) => role.name === name)?.id });
  }

  #fileOf(roles: readonly Role[], more: readonly object[]): readonly object[] {
    const own = roles.filter(({ id, name }) => id !== name);
    return [...own.map(({ name, grants }) => ({ name, grants })), ...more];
  }

  get #givable(): readonly string[] {
    const { application } = this.#made;
    return [
      `device.read:${application.id}`,
      `device.update:${application.id}`,
      "token.create",
      "role.update",
      "role.read",
    ];
  }

  get #grants(): readonly string[] {
    const { application, other, device } = this.#made;
    return [
      "device.read",
      `device.read:${application.id}`,
      `device.read:${other.id}`,
      `device.read:${device.id}`,
      "device.read:tag:site=north",
      `device.update:${application.id}`,
      "member.update",
      "role.read",
      "audit.read",
      "credential.revoke",
      "*",
    ];
  }

  async #judge(credentials: readonly Credential[], seed: number): Promise<void> {
    const { elsewhere, chief, reader } = this.#made;
    const beyond: readonly [action: string, resource?: string][] = [
      ["audit.read"],
      ["credential.revoke"],
      ["device.read", elsewhere.id],
      ["device.update", elsewhere.id],
    ];
    for (const { id } of credentials)
      for (const [action, resource] of beyond) {
        const asked = { credential: id, action, ...(resource && { resource }) };
        const { allowed, because } = await this.#owner.asks.post<{ allowed: boolean; because: string }>(
          "/v1/explain",
          asked,
        );
        assert.ok(!allowed, `${id} may ${action}: ${because} (seed ${seed})`);
      }
    const { items } = await this.#owner.asks.get<{ items: { person: string; role: string }[] }>("/v1/members");
    const roles = new Map(
      (await this.#owner.asks.get<{ items: Role[] }>("/v1/roles")).items.map((role) => [role.id, role]),
    );
    for (const { person, role } of items) {
      if (person !== chief.person && person !== reader.person) continue;
      const held = roles.get(role)?.grants ?? [];
      const more = held.filter((grant) => !this.#made.ceiling.has(grant));
      assert.deepEqual(more, [], `${person} holds more than both of them did (seed ${seed})`);
    }
  }
}

async function furnished(owner: Owner) {
  const [application, other]: [Thing, Thing] = [await owner.application(), await owner.application("Workshop")];
  const device: Device = await owner.device(application.id, { tags: { site: "south" } });
  const elsewhere: Device = await owner.device(other.id);
  const chiefs = [
    ...["device.read", "device.update", "device.mintKey", "telemetry.write", "accessKey.create"].map(
      (action) => `${action}:${application.id}`,
    ),
    "token.create",
    "operatorKey.create",
    "role.read",
    "role.update",
    "member.update",
    "member.invite",
  ];
  const readers = [`device.read:${application.id}`, "token.create", "role.read"]; // within the chief's, who may give her another
  const roles = [
    { name: "Chief", grants: (await owner.role("Chief", chiefs)).grants },
    { name: "Reader", grants: (await owner.role("Reader", readers)).grants },
  ];
  const { items } = await owner.asks.get<{ items: Role[] }>("/v1/roles");
  const idOf = (name: string) => items.find((role) => role.name === name)?.id ?? "";
  const [chief, reader] = [
    await owner.member({ email: "chief@example.com", password }, idOf("Chief")),
    await owner.member({ email: "reader@example.com", password }, idOf("Reader")),
  ];
  // What they hold, and what is within that.
  const ceiling = new Set([...chiefs, ...readers]);
  return { application, other, device, elsewhere, chief, reader, roles, ceiling };
}
