import assert from "node:assert/strict";
import { newId, Refusal, type Clock, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import {
  actions,
  isBuiltIn,
  parseGrants,
  type Action,
  type Conditions,
  type CredentialKind,
  type Grant,
  type Role,
} from "@holdfast/protocol";
import fc from "fast-check";
import { Caller } from "./caller.ts";
import { cameBy, type Circumstances } from "./circumstances.ts";
import { readConditions } from "./conditions.ts";
import { endings, type Credential } from "./credential.ts";
import { applicationKeyOf, born, childOf, deviceKeyOf, type Birth, type Wanted } from "./heritage.ts";
import { inPerson, refuseGivingMore, refuseTouchingGreater } from "./in-person.ts";
import { covers, linkOf, type Link, type Target } from "./link.ts";
import { compile, mayNow, type Power } from "./power.ts";
import { judgeChange } from "./role-change.ts";
import { byId } from "./role-rows.ts";
import { differenceOf, noRoles, ofFile, withChange, without, withRole, type RoleSet } from "./role.ts";
import { beyondThose, type Membership } from "./roles.ts";
import { counted, spaceOf } from "./space.fixture.ts";
import type { Placement, Space } from "./space.ts";

// A model of who may do what, on the nouns alone: people, roles and credentials that make each other in any order. After each step it is
// asked, of everybody and of every place that a device could be in, whether somebody holds what whoever acted did not.

const org = newId("org", counted);
const applications = [newId("application", counted), newId("application", counted)] as const;
const devices = [newId("device", counted), newId("device", counted)] as const;
const people = [1, 2, 3].map(() => newId("person", counted));
const founder = newId("person", counted);
const noon = Date.parse("2026-06-03T12:00:00Z") as Instant; // a Wednesday
const hour = 3_600_000;

const pick = <T>(of: readonly T[], at: number): T => {
  assert.ok(of.length > 0, "there is something to pick");
  return of[at % of.length] as T; // within its length
};

const asked: readonly Action[] = [
  "device.read",
  "device.update",
  "device.create",
  "device.mintKey",
  "telemetry.read",
  "telemetry.write",
  "accessKey.create",
  "token.create",
  "role.update",
  "member.update",
  "audit.read",
];

const grantTexts: readonly string[] = asked.flatMap((action) => {
  const [application, other] = applications;
  const kind = actions[action];
  if (kind === "org") return [action, action];
  const inApplications = [`${action}:${application}`, `${action}:${other}`];
  if (kind === "application") return [action, ...inApplications];
  return [
    action,
    ...inApplications,
    `${action}:${devices[0]}`,
    `${action}:${devices.join()}`,
    `${action}:tag:site=north`,
  ];
});

/** So that what is made often makes something itself. */
const further = (application: Id<"application">): readonly (readonly string[])[] => [
  [],
  ["token.create"],
  ["token.create"],
  ["token.create", `accessKey.create:${application}`],
];

const conditionsAsked: readonly (Conditions | undefined)[] = [
  undefined,
  undefined,
  undefined,
  { addresses: ["10.0.0.0/8"] },
  { addresses: ["::ffff:10.1.0.0/112", "2001:db8::/32"] },
  { transports: ["https"] },
  { transports: ["https", "mqtts"] },
  { hours: [{ days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "18:00", zone: "UTC" }] },
  { hours: [{ days: ["wed"], from: "22:00", to: "06:00", zone: "Europe/Berlin" }] },
  { rate: { perMinute: 60 } },
  { rate: { perMinute: 6, burst: 12 }, addresses: ["10.1.0.0/16"] },
].map((one) => readConditions(one as Conditions | undefined)); // as somebody would write them

const ways: readonly Circumstances[] = [
  { ...cameBy("https", "10.1.2.3", "TLSv1.3", undefined), proof: "key" },
  { ...cameBy("mqtts", "::ffff:10.2.0.1", "TLSv1.2", undefined), proof: "secret" },
  { ...cameBy("https", "2001:db8::1", "TLSv1.3", undefined), proof: "secret" },
];

const standing: Pick<Placement, "product" | "state" | "alias" | "version"> = {
  product: undefined,
  state: "active",
  alias: undefined,
  version: 1,
};

/** Every question there is, and every place in which a device could ever be. */
type Question = { readonly action: Action; readonly target: Target };
const tagged: readonly Record<string, string>[] = [{}, { site: "north" }, { site: "south" }];
const placements = applications.flatMap((application) => tagged.map((tags) => ({ application, tags })));
const questions: readonly Question[] = asked.flatMap((action): Question[] => {
  switch (actions[action]) {
    case "application":
      return applications.map((id) => ({ action, target: { kind: "application", id } }));
    case "device":
      return devices.flatMap((id) =>
        placements.map((place) => ({ action, target: { kind: "device", id, placement: { ...standing, ...place } } })),
      );
    default:
      return [{ action, target: { kind: "org" } }];
  }
});
/** As many numbers as any step needs: what they mean is the step's. */
const number = fc.nat(10_000);
const step = fc.tuple(number, number, number, number, number, number);
export const history = fc.record({ founderActs: fc.boolean(), steps: fc.array(step, { minLength: 4, maxLength: 16 }) });
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;
type Step = History["steps"][number];

/** What was done and not refused, over all histories: a model in which nothing works would prove nothing. */
export const done = new Map<string, number>();

export function live({ founderActs, steps }: History): void {
  const model = new Model(founderActs);
  for (const one of steps) model.take(one);
}

class Model {
  readonly #space: Space;
  readonly #founderActs: boolean;
  #now: number = noon;
  #seq = 10;
  #roles: RoleSet = noRoles;
  /** What the people of the beginning could do together, without the founder. */
  readonly #ceiling: ReadonlySet<number>;

  constructor(founderActs: boolean) {
    this.#founderActs = founderActs;
    const known = {
      devices: new Map(devices.map((id, at) => [id, { ...standing, ...pick(placements, at * 4) }])),
      applications: new Set(applications),
      products: new Map(),
      members: new Map<Id<"person">, Membership>([[founder, { role: "owner" }]]),
      roles: new Map(),
      demands: {},
      revokedBefore: new Map(),
    };
    this.#space = spaceOf(org, known);
    const [north, south] = applications;
    const local = (application: Id<"application">) =>
      ["device.read", "device.update", "device.create", "device.mintKey", "telemetry.write", "accessKey.create"].map(
        (action) => `${action}:${application}`,
      );
    const chief = ["token.create", "role.update", "member.update"];
    for (const [name, grants] of [
      ["chief of one", [...local(north), ...chief]],
      ["chief of the other", [...local(south), ...chief, "telemetry.read:tag:site=north"]],
      ["reader", ["device.read:tag:site=north", `telemetry.read:${devices[0]}`, "token.create"]],
    ] as const)
      this.#setRoles(withRole(this.#roles, { name, description: "", grants: parseGrants(grants) }, this.#making()));
    people.forEach((person, at) => this.#space.setMember(person, { role: pick([...this.#space.roles.keys()], at) }));
    for (const person of [founder, ...people]) this.#signIn(person, undefined);
    this.#ceiling = union(people.map((person) => this.#heldBy(person)));
  }

  take([what, who, a, b, c, d]: Step): void {
    const actors = [...this.#space.credentials.values()].filter(
      ({ person }) => this.#founderActs || person !== founder,
    );
    const credential = pick(actors, who);
    const caller = this.#callerOf(credential, pick(ways, who));
    const before = { people: this.#held(), credentials: this.#reached() };
    const powers = this.#powersOf(credential);
    const [name, act] = pick(this.#acts(caller, a, b, c, d), what);
    try {
      if (caller.ended() !== undefined) return;
      act();
      done.set(name, (done.get(name) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return;
    }
    // Whatever happened: nobody holds what neither she nor whoever acted held before.
    for (const [person, held] of this.#held())
      for (const at of held)
        assert.ok(before.people.get(person)?.has(at) || powers.has(at), told(name, person, at, caller.credential));
    if (name !== "sign in" && name !== "time passes" && name !== "a device moves")
      for (const [id, reached] of this.#reached())
        for (const at of reached)
          assert.ok(before.credentials.get(id)?.has(at) || powers.has(at), told(name, id, at, caller.credential));
    if (!this.#founderActs)
      for (const person of people)
        for (const at of this.#heldBy(person))
          assert.ok(this.#ceiling.has(at), told(`${name}, and all of it together`, person, at, caller.credential));
    const reached = this.#reached();
    for (const each of this.#space.credentials.values()) {
      const own = this.#powersOf(each);
      for (const at of reached.get(each.id) ?? [])
        assert.ok(own.has(at), told(`${name}, past its own chain`, each.id, at, caller.credential));
      this.#compare(each);
    }
  }

  /** No child reaches further than its parent: not in what, nor until when, from where, how, how often, or with less proof. */
  #compare(child: Credential): void {
    const parent: Credential | undefined = child.parent && this.#space.credentials.get(child.parent);
    if (!parent) {
      const [maker] = child.makers.map((id) => this.#space.credentials.get(id));
      const isHers = child.kind === "device" || maker === undefined || maker.inPerson;
      return assert.ok(isHers, `${child.id} was made by ${maker?.id}, a program, and does not end with it`);
    }
    const now = this.#now as Instant; // milliseconds since the epoch
    for (const way of ways) {
      const one: Power = compile(this.#space, child, way, now);
      const above: Power = compile(this.#space, parent, way, now);
      const about: string = `${child.id} of ${parent.id}`;
      if (above.end) assert.ok(one.end, `${about} is good while that is not: ${above.end.because}`);
      if (one.end) continue;
      if (above.expiresAt !== undefined)
        assert.ok((one.expiresAt ?? Infinity) <= above.expiresAt, `${about} lives longer`);
      for (const { of } of above.allowances)
        assert.ok(
          one.allowances.some((its) => its.of === of),
          `${about} draws on its own`,
        );
      for (const later of [0, 3 * hour, 30 * hour]) {
        const at = (now + later) as Instant; // milliseconds all
        for (const { action, target } of questions)
          if (mayNow(one, action, target, at)) assert.ok(mayNow(above, action, target, at), `${about}: ${action}`);
      }
    }
    if (parent.publicKey) assert.ok(child.publicKey, `${child.id} is not bound, and ${parent.id} is`);
    if (parent.expiresAt !== undefined) assert.ok((child.expiresAt ?? Infinity) <= parent.expiresAt);
  }

  #acts(caller: Caller, a: number, b: number, c: number, d: number): readonly (readonly [string, () => void])[] {
    const application = pick(applications, c);
    const grants = parseGrants([pick(grantTexts, a), pick(grantTexts, b), ...pick(further(application), c)]);
    const mine = caller.credential.grants;
    const own = a % 3 > 0 && mine.length > 0; // else hardly anything would be made by what was made
    const person = pick(people, c);
    const role: Role = pick([...this.#space.roles.keys(), "viewer", "operator", "owner"], d);
    const wanted: Wanted = {
      name: "",
      grants: own ? [pick(mine, a), pick(mine, b), ...mine.slice(c % 2)] : grants,
      lifetime: pick([undefined, hour, 48 * hour], c),
      conditions: pick(conditionsAsked, d),
      ...(d % 5 === 0 && { publicKey: { kty: "OKP", crv: "Ed25519", x: "A".repeat(43) } }),
    };
    const written = { name: `role ${d % 7}`, description: "", grants };
    const change = (after: RoleSet, replacement?: Role) => {
      inPerson(caller.permit("role.update", org), "role.update");
      const difference = differenceOf(this.#roles, after);
      const replaced = judgeChange(caller, difference, replacement);
      for (const one of replaced) this.#space.setMember(one.person, one.after);
      this.#setRoles(after);
    };
    const device = pick(devices, d);
    return [
      ["mint a token", () => this.#bear("apiToken", (caller.permit("token.create", org), childOf(caller, wanted)))],
      ["mint another", () => this.#bear("apiToken", (caller.permit("token.create", org), childOf(caller, wanted)))],
      [
        "mint an operator key",
        () => this.#bear("operator", (caller.permit("token.create", org), childOf(caller, wanted))),
      ],
      [
        "mint an access key",
        () =>
          this.#bear(
            "accessKey",
            applicationKeyOf(caller, caller.permit("accessKey.create", application).on, "accessKey", wanted),
          ),
      ],
      [
        "mint a device's key",
        () => {
          const { on } = caller.permit("device.mintKey", device);
          this.#bear("device", deviceKeyOf(caller, on, { devices: [on] }, {}));
        },
      ],
      ["sign in", () => this.#signIn(pick([founder, ...people], a), b % 2 === 0 ? undefined : grants)],
      ["make a role", () => change(withRole(this.#roles, written, this.#making()))],
      ["change a role", () => !isBuiltIn(role) && change(withChange(this.#roles, role, { grants }))],
      [
        "delete a role",
        () => !isBuiltIn(role) && change(without(this.#roles, role), pick(["viewer", ...this.#space.roles.keys()], b)),
      ],
      ["apply a file", () => change(ofFile(this.#roles, [...this.#roles.roles.slice(a % 3), written], this.#making()))],
      [
        "give a role",
        () => {
          const permit = caller.permit("member.update", org);
          inPerson(permit, "member.update");
          refuseGivingMore(permit, "member.update", role);
          const before = this.#space.member(person);
          if (!before) return;
          refuseTouchingGreater(permit, "member.update", before.role);
          this.#space.setMember(person, { ...before, role });
        },
      ],
      [
        "revoke",
        () =>
          this.#space.revoke(pick([caller.credential.id, person, application, device], b), endings, (this.#seq += 1)),
      ],
      ["time passes", () => void (this.#now += pick([hour / 2, 7 * hour, 25 * hour], b))],
      [
        "a device moves",
        () => {
          const version = (this.#space.device(device)?.version ?? 0) + 1;
          this.#space.place(device, { ...standing, ...pick(placements, a), version });
        },
      ],
    ];
  }

  #bear(kind: CredentialKind, birth: Birth, id: CredentialId = newId("key", counted)): void {
    const at = this.#now as Instant; // milliseconds since the epoch
    const credential = born(birth, { id, kind, digest: new Uint8Array(32) }, { at, seq: (this.#seq += 1) });
    this.#space.credentials.set(credential.id, credential);
  }

  #signIn(person: Id<"person">, grants: readonly Grant[] | undefined): void {
    const member = this.#space.member(person);
    if (!member) return;
    const role = this.#space.grantsOfMember(member);
    if (grants && beyondThose(role, grants).length > 0) return;
    const heir = { name: "", grants: grants ?? role, lifetime: 72 * hour, makers: [], person, inPerson: true };
    this.#bear("apiToken", { heir, latest: undefined });
  }

  #setRoles(set: RoleSet): void {
    this.#roles = set;
    this.#space.setRoles(byId(set));
  }

  /** What a credential may do, told by going up its chain, and by nothing that decides. */
  #powersOf(credential: Credential): ReadonlySet<number> {
    const all: (readonly Grant[])[] = [];
    let next: Credential | undefined = credential;
    for (; next; next = next.parent && this.#space.credentials.get(next.parent)) {
      const { application } = next;
      all.push(next.grants);
      if (application) all.push(asked.map((action) => ({ action, where: { application } })));
    }
    const member = credential.person && this.#space.member(credential.person);
    if (credential.person) all.push(member ? this.#space.grantsOfMember(member) : []);
    const links = all.map((grants) => linkOf("", grants));
    return new Set(questions.keys().filter((at) => isWithin(links, questions[at])));
  }

  readonly #making = () => ({ at: this.#now as Instant, random: counted }); // milliseconds since the epoch

  #callerOf(credential: Credential, circumstances: Circumstances): Caller {
    const clock: Clock = { now: () => this.#now as Instant, elapsed: () => this.#now }; // milliseconds since the epoch
    return new Caller({ credential, space: this.#space, circumstances, clock, onRefusal: () => undefined });
  }

  #heldBy(person: Id<"person">): ReadonlySet<number> {
    const member = this.#space.member(person);
    const links = [linkOf("", member ? this.#space.grantsOfMember(member) : [])];
    return new Set(questions.keys().filter((at) => isWithin(links, questions[at])));
  }

  #held(): ReadonlyMap<Id<"person">, ReadonlySet<number>> {
    return new Map([founder, ...people].map((person) => [person, this.#heldBy(person)]));
  }

  /** What each credential may do, whatever its conditions say. A device's own key goes where its device goes, so of those nothing is asked. */
  #reached(): ReadonlyMap<CredentialId, ReadonlySet<number>> {
    const of = (credential: Credential) => {
      const power = compile(this.#space, credential, undefined, this.#now as Instant); // milliseconds since the epoch
      return new Set(questions.keys().filter((at) => !power.end && isWithin(power.links, questions[at])));
    };
    const all = [...this.#space.credentials.values()].filter(({ kind }) => kind !== "device");
    return new Map(all.map((credential) => [credential.id, of(credential)]));
  }
}

const isWithin = (links: readonly Link[], question: Question | undefined): boolean =>
  question !== undefined &&
  links.every((link) => link.grants.get(question.action)?.some((where) => covers(where, question.target)) ?? false);

const union = (sets: readonly ReadonlySet<number>[]): ReadonlySet<number> => new Set(sets.flatMap((set) => [...set]));

function told(step: string, who: string, at: number, { id }: Credential): string {
  return `${step} by ${id} gave ${who} ${JSON.stringify(questions[at])}`;
}
