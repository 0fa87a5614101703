import type { Gate } from "@holdfast/mqtt";
import { isId, type Id } from "@holdfast/kernel";
import { isSaid, parseGatewayTopic, parseGroupTopic, parseTopic, type Action, type Topic } from "@holdfast/protocol";
import type { Caller } from "../authority/index.ts";
import { notAuthorized, topicNameInvalid } from "./codes.ts";

/** Of so many topics a gate keeps the answers: a gateway speaks for many devices, and a filter with wildcards hears many. */
const mostTopics = 1_024;

/**
 * A caller's authority over topics, as long as nothing changes in its space: the broker compares the two epochs before each byte
 * it reads and each message it delivers, and keeps the answer about one topic; those about more are kept here. What begins and ends by the
 * clock is a change, too (`Space.turn`). A use is noted when it is asked, so once an hour for what goes on.
 */
export class MessageGate implements Gate {
  readonly cell: { readonly epoch: number };
  readonly epoch: number;
  readonly expiresAt: number | undefined;
  /** What is retained of a device may be from before it was this customer's. */
  readonly isLiveOnly: boolean;
  readonly #caller: Caller;
  readonly #barred: Set<Id<"device">>;
  /** Made with the third question. */
  #published: Map<string, 0> | undefined;
  #received: Map<string, boolean> | undefined;
  #asked = 0;

  /** `barred` is told which device or child of it the caller was to hear of and may not. */
  constructor(caller: Caller, barred: Set<Id<"device">>, expiresAt = caller.expiresAt) {
    this.#caller = caller;
    this.#barred = barred;
    this.cell = caller.space.cell;
    this.epoch = this.cell.epoch;
    this.expiresAt = expiresAt;
    this.isLiveOnly = caller.user !== undefined;
  }

  publish(topic: string): number {
    const known = this.#published?.get(topic);
    if (known !== undefined) return known;
    const answer = this.#mayPublish(topic);
    if (answer === 0 && this.#isOneOfMany(this.#published)) (this.#published ??= new Map()).set(topic, answer);
    return answer;
  }

  #mayPublish(topic: string): number {
    const parsed = parseTopic(topic);
    if (!parsed) return this.#mayPublishElsewhere(topic);
    // What a device is like and what became of a command is the device's own to say; what is wanted of it is the platform's.
    const { device, kind } = parsed;
    if (kind === "foreign" && !isSaid(parsed)) return topicNameInvalid;
    const isSaidByDevice =
      kind === "foreign"
        ? this.#caller.credential.device === device
        : (kind === "reported" || kind === "reply" || kind === "roots") && this.#caller.credential.device !== undefined;
    if (kind !== "telemetry" && !isSaidByDevice) return this.#refuse(aboutOthers(parsed, "write"), device);
    if (!this.#caller.mayDevice("telemetry.write", device)) return this.#refuse("telemetry.write", device);
    this.#caller.noteUse("telemetry.write", parsed.device);
    return 0;
  }

  /** In a gateway's own tree: of which children is asked with each message. In a group `tasks/` is its board: what is said there is for the platform. */
  #mayPublishElsewhere(topic: string): number {
    const { device } = this.#caller.credential;
    const ofChildren = parseGatewayTopic(topic);
    if (ofChildren) {
      if (ofChildren.kind === "heard" || ofChildren.gateway !== device) return topicNameInvalid;
      if (!this.#maySpeak(device)) return this.#refuse("telemetry.write", device);
      this.#caller.noteUse("telemetry.write", device);
      return 0;
    }
    const to = parseGroupTopic(topic);
    if (!to || !device) return topicNameInvalid;
    if (!to.rest.startsWith(board)) return this.#mayInGroup("write", to.group);
    const way = boardVerbs.get(to.rest.slice(board.length));
    return way ? this.#mayInGroup(way, to.group) : topicNameInvalid;
  }

  #mayInGroup(way: "read" | "write", group: Id<"group">): number {
    const { device } = this.#caller.credential;
    if (this.#caller.mayInGroup(way, group)) {
      this.#caller.noteUse("telemetry.write", device);
      return 0;
    }
    this.#caller.noteRefused("telemetry.write", device, { allowed: false, clause: "group" });
    return notAuthorized;
  }

  /** A device is held by its mounts. A program may ask for any filter: what it gets is decided at each delivery. */
  subscribe(filter: string): number {
    const caller = this.#caller;
    const exact = parseTopic(filter);
    const { device } = caller.credential;
    // What a device may hear itself hangs on its readings.
    const isDenied = caller.space.lists.deniesFilter(filter, caller.now());
    if (isDenied && !(device && this.#maySpeak(device))) return notAuthorized;
    // Of all its children it hears nothing that every message of the organisation would have to be asked about.
    const group = /^groups\/(grp_[0-9a-f]{32})\//.exec(filter)?.[1];
    if (device && group && isId("group", group)) return this.#mayInGroup("read", group);
    if (device) return !filter.startsWith("devices/+/") || ofChildren.test(filter) ? 0 : notAuthorized;
    if (exact) return this.#mayHear(exact) ? 0 : this.#refuse(aboutOthers(exact, "read"), exact.device);
    const may = heard.find((action) => caller.mayAnywhere(action));
    if (may) caller.noteUse(may);
    else caller.noteRefused("telemetry.read");
    return may ? 0 : notAuthorized;
  }

  receive(topic: string): boolean {
    const known = this.#received?.get(topic);
    if (known !== undefined) return known;
    const parsed = parseTopic(topic);
    const answer = parsed ? this.#mayHear(parsed) : this.#mayHearElsewhere(topic);
    if (this.#isOneOfMany(this.#received)) (this.#received ??= new Map()).set(topic, answer);
    return answer;
  }

  /** Most clients know one topic, which the broker keeps, and there are many of them: they need no map. */
  #isOneOfMany(kept: ReadonlyMap<string, unknown> | undefined): boolean {
    return kept ? kept.size < mostTopics : ++this.#asked > 2;
  }

  /** A message goes out as it came: to nobody from whom the device's door hides any of its attributes. */
  #mayHear(topic: Topic): boolean {
    const { device, kind } = topic;
    const caller = this.#caller;
    // Nobody else speaks that platform's words: he is told the same in ours.
    if (kind === "foreign") return caller.credential.device === device && !isSaid(topic) && this.#mayBeTold(device);
    // A device hears what is wanted of it and of its children, and not what was said.
    if (kind !== "telemetry" && caller.credential.device !== undefined)
      return (kind === "desired" || kind === "command" || kind === "task") && this.#mayBeTold(device);
    const action = aboutOthers(topic, "read");
    const at = kind === "task" || kind === "roots" ? undefined : [kind];
    const may = caller.mayDevice(action, device, at) && caller.attributesOf(device) === undefined;
    if (may) caller.noteUse(action, device);
    return may;
  }

  /** What a child is told in the words of its gateway's firmware its gateway hears, and nobody else. */
  #mayHearElsewhere(topic: string): boolean {
    const { device } = this.#caller.credential;
    const ofChild = parseGatewayTopic(topic);
    if (ofChild)
      return (
        ofChild.kind === "heard" && device !== undefined && ofChild.child !== device && this.#mayBeTold(ofChild.child)
      );
    const of = parseGroupTopic(topic);
    if (of?.rest.startsWith(board) && of.rest !== `${board}waiting`) return false;
    return of !== undefined && this.#caller.mayInGroup("read", of.group);
  }

  /** What is wanted of a device, itself or a child of it. Where it may not hear of that now, it is owed it once it may. */
  #mayBeTold(device: Id<"device">): boolean {
    const { space, credential } = this.#caller;
    if (this.#maySpeak(device)) return true;
    if (device === credential.device || space.device(device)?.gateway === credential.device) this.#barred.add(device);
    return false;
  }

  #maySpeak(device: Id<"device">): boolean {
    return this.#caller.mayDevice("telemetry.write", device);
  }

  /** What was asked for by name: that something is not delivered to whoever asked for all is no refusal. */
  #refuse(action: Action, device: Id<"device">): number {
    const target = this.#caller.target("device", device);
    const decision = target && this.#caller.decide(action, target);
    // Granted, and the door hides attributes.
    if (decision)
      this.#caller.noteRefused(action, device, decision.allowed ? { ...decision, clause: "attributes" } : decision);
    return notAuthorized;
  }
}

const board = "tasks/";
/** What a member may say there, and as what. */
const boardVerbs: ReadonlyMap<string, "read" | "write"> = new Map([
  ["put", "write"],
  ["lease", "read"],
  ["renew", "read"],
  ["answer", "read"],
  ["release", "read"],
]);

/** What a gateway may subscribe to of all its children at once. */
const ofChildren = /^devices\/\+\/(?:commands\/(?:\+|#|[^+#/]+)|twin\/desired)$/;

/** What somebody may who listens to more than one topic: what he gets is asked of each message. */
const heard = ["telemetry.read", "twin.read", "command.read"] as const satisfies readonly Action[];

/** By which grant somebody else than the device hears or says this. */
function aboutOthers({ kind }: Topic, way: "read" | "write"): Action {
  switch (kind) {
    case "telemetry":
      return `telemetry.${way}`;
    case "reported":
    case "desired":
    case "roots":
    case "foreign":
      return way === "read" ? "twin.read" : "twin.update";
    case "command":
    case "reply":
    case "task":
      return way === "read" ? "command.read" : "command.send";
  }
}
