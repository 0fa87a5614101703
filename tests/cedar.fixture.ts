import assert from "node:assert/strict";
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { newId, Refusal, type Id } from "@holdfast/kernel";
import fc from "fast-check";
import { Caller } from "../apps/server/src/authority/caller.ts";
import { counted } from "../apps/server/src/authority/space.fixture.ts";
import { MessageGate } from "../apps/server/src/messages/gate.ts";
import { DoorDemands } from "../apps/server/src/telemetry/door.ts";
import type { Target } from "../apps/server/src/authority/link.ts";
import { compile, decide, mayNow, type Power } from "../apps/server/src/authority/power.ts";
import { readableOf } from "../apps/server/src/authority/seeing.ts";
import type { Space } from "../apps/server/src/authority/space.ts";
import { cedarOf } from "./cedar-policies.fixture.ts";
import { anything, crew, org, worldOf, type Anything, type Talk, type World } from "./cedar-worlds.fixture.ts";

/** What each kind of clause says when it is what refuses. */
const deciding: Readonly<Record<string, RegExp>> = {
  "a grant": /does not grant/,
  "a condition": /is good only/,
  "a demand": /the organisation demands/,
  "a revocation": /was revoked|was ended/,
  "an end": /has expired/,
  "a membership": /is not a member/,
  "a suspended membership": /is suspended here/,
  "a suspended organisation": /the organisation is suspended/,
  "an organisation that ends": /the organisation is being deleted/,
  "a device's state": /dev_\w+ is suspended|is retired/,
  "a deny list": /denied by list entry/,
  "an allow list": /the allow list has/,
  "what denies a twin or commands": /denied by list entry \w+ of \S+\/(?:twin|commands|replies)\//,
  "what allows no twin or commands": /the allow list has .* is devices\/\w+\/(?:twin|commands|replies)\//,
  "the networks of a door": /the door of \w+ takes (?:nobody from )?[\d:]/,
  "who is let in by a door": /the door of \w+ (?:does not take|takes only (?!what is )\w+ ?)/,
  "the protocols of a door": /the door of \w+ takes [a-z ]+ only, and this came over (?:https|mqtts|wss|socket)/,
  "a door that opens no sockets": /no door of \w+ opens direct sockets/,
  "what a door takes of a socket": /the door of \w+ takes (?:anything|only what is) .*over a direct socket/,
  "the TLS of a door": /the door of \w+ takes TLS/,
  "the proof of a door": /takes only who proves a key/,
  "the hours of a door": /the door of \w+ is open/,
  "what a door hides": /is not readable/,
  "what a door does not let in": /door\.attribute/,
  "the size that a door takes": /door\.tooLarge/,
};

/** How often each topic of children and groups was let pass, and how often it was not, has to be so often as well. */
const talks: readonly `${Talk["of"]} ${Talk["what"]}`[] = [
  "child telemetry",
  "child reported",
  "child reply",
  "child command",
  "child desired",
  "child theirs",
  "group said",
  "group heard",
  "group put",
  "group lease",
];
/** Of what was refused there, what nothing else refused. */
const whyNot = ["no child of its own", "a child that is elsewhere", "no member", "a group that is elsewhere"];

/** Asks so many times. Each kind of clause has to have decided so often at least: what never decides is not compared. */
export function compare(times: number, atLeast: number): void {
  const sorts = talks.flatMap((one) => [`${one}: passed`, `${one}: refused`]);
  const decided = new Map<string, number>([...Object.keys(deciding), ...sorts, ...whyNot].map((kind) => [kind, 0]));
  const count = (kind: string) => void decided.set(kind, (decided.get(kind) ?? 0) + 1);
  let allowed = 0;
  const one = fc.property(anything, (asked) => {
    const { ours, cedars, told } = answers(asked);
    assert.equal(ours, cedars, told);
    if (ours) allowed += 1;
    if (asked.talk) {
      count(`${asked.talk.of} ${asked.talk.what}: ${ours ? "passed" : "refused"}`);
      const why = ours ? undefined : misplaced(worldOf(asked), asked);
      if (why) count(why);
      return;
    }
    if (!ours)
      for (const [kind, says] of Object.entries(deciding)) if (says.test(told.split("; Cedar")[0] ?? "")) count(kind);
  });
  let asked = 0;
  const isMixed = () => allowed > asked / 10 && allowed < asked * 0.9;
  const seldom = () => [...decided].filter(([, count]) => count < atLeast);
  // What decides twice as often as it has to decides too seldom by chance, once in some hundred times: then as many again are asked.
  do {
    fc.assert(one, { numRuns: times });
    asked += times;
  } while (asked < 3 * times && !(isMixed() && seldom().length === 0));
  assert.ok(isMixed(), `${allowed} of ${asked} were allowed: the others say little`);
  assert.deepEqual(
    seldom().map(([kind, count]) => `${kind}: ${count}`),
    [],
  );
}

/** What we say, and what Cedar says. */
function answers(asked: Anything): { readonly ours: boolean; readonly cedars: boolean; readonly told: string } {
  const world = worldOf(asked);
  const { space, first, circumstances } = world;
  const power = compile(space, first, circumstances, asked.now);
  if (asked.talk)
    return { ours: talkedBy(world, asked, asked.talk), ...cedarsAnswer(world, asked, "asked at a topic") };
  const target = targetOf(space, asked.question.target);
  const decision = decide(power, asked.question.action, target, asked.now);
  // The same question where it is asked for every message.
  assert.equal(mayNow(power, asked.question.action, target, asked.now), decision.allowed, decision.because);
  const hidden = decision.allowed ? withheld(power, target, asked) : undefined;
  return { ours: decision.allowed && hidden === undefined, ...cedarsAnswer(world, asked, hidden ?? decision.because) };
}

function cedarsAnswer(world: World, asked: Anything, because: string) {
  const call = cedarOf(world, asked);
  const answer = isAuthorized(call);
  // One that fails is left out by Cedar, as if it forbade nothing.
  assert.ok(answer.type === "success", JSON.stringify(answer));
  assert.deepEqual(answer.response.diagnostics.errors, []);
  const cedars = answer.response.decision === "allow";
  return { cedars, told: `${because}; Cedar: ${answer.response.diagnostics.reason.join()}` };
}

const clock = (now: Anything["now"]) => ({ now: () => now, elapsed: () => 0 });
const replied = newId("command", counted);

/** As the broker asks: the gate of the session, at the topic in the space. */
function talkedBy({ space, first, circumstances }: World, { question, now }: Anything, { what }: Talk): boolean {
  const caller = new Caller({ credential: first, space, circumstances, clock: clock(now), onRefusal: () => undefined });
  const gate = new MessageGate(caller, new Set());
  const child = question.target;
  switch (what) {
    case "telemetry":
      return gate.publish(`devices/${child}/telemetry`) === 0;
    case "reported":
      return gate.publish(`devices/${child}/twin/reported`) === 0;
    case "reply":
      return gate.publish(`devices/${child}/replies/${replied}`) === 0;
    case "command":
      return gate.receive(`devices/${child}/commands/open`);
    case "desired":
      return gate.receive(`devices/${child}/twin/desired`);
    case "theirs":
      return gate.receive(`thingsboard/${child}/child/rpc`);
    case "said":
      return gate.publish(`groups/${crew}/anything`) === 0;
    case "heard":
      return gate.receive(`groups/${crew}/anything`);
    case "put":
      return gate.publish(`groups/${crew}/tasks/put`) === 0;
    case "lease":
      return gate.publish(`groups/${crew}/tasks/lease`) === 0;
  }
}

/** What is against it where its own places are; `undefined` where something else may be. */
function misplaced({ space, first, group }: World, { question, talk }: Anything): string | undefined {
  const device = first.device && space.device(first.device);
  const place = space.device(question.target as Id<"device">); // only a map is asked
  if (!device || !place || !first.device) return undefined;
  if (talk?.of === "group") {
    if (!group.members.has(first.device)) return "no member";
    return group.application === device.application ? undefined : "a group that is elsewhere";
  }
  if (question.target === first.device) return undefined;
  if (place.gateway !== first.device) return "no child of its own";
  return place.application === device.application ? undefined : "a child that is elsewhere";
}

/** What the doors say of the one attribute that is sent or read, and of the size: asked of each message behind the decision. */
function withheld(
  power: Power,
  target: Target,
  { question, message: { attribute, size }, now }: Anything,
): string | undefined {
  if (target.kind !== "device") return undefined;
  if (question.action === "telemetry.read")
    return (readableOf(power, target)?.(attribute) ?? true) ? undefined : `${attribute} is not readable`;
  if (question.action !== "telemetry.write") return undefined;
  try {
    const demands = new DoorDemands(target.id);
    demands.admit(power.space, power.space.doorsOf(target.placement), new Uint8Array(size), 0);
    demands.check([{ time: now, values: [[attribute, 1]] }]);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function targetOf(space: Space, id: string): Target {
  const place = space.device(id as Id<"device">); // only a map is asked
  if (place) return { kind: "device", id: id as Id<"device">, placement: place }; // it was in the map
  if (space.hasApplication(id as Id<"application">)) return { kind: "application", id: id as Id<"application"> }; // likewise
  return id === org ? { kind: "org" } : { kind: "product" };
}
