import { isId, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import type { Credential } from "./credential.ts";
import type { Question } from "./decisions.ts";
import type { Kept } from "./gathered.ts";
import type { Verdict } from "./replay.ts";

/** Somebody whom a change touches, one of the questions that it does so in, and how often in all. */
export type Touched = {
  readonly id: string;
  readonly action: Question["action"];
  readonly about: Question["about"];
  readonly because: string;
  readonly decisions: number;
};

const rankOf = ({ action, about }: Pick<Question, "action" | "about">): string =>
  `${action === "connect" ? "" : action} ${about ?? ""}`;

/** Whom a change touches: of a credential also the device or the person that it is. */
export class Parties {
  decisions = 0;
  readonly devices = new Map<string, Touched>();
  readonly people = new Map<string, Touched>();
  readonly credentials = new Map<string, Touched>();
  /** Those that are neither a device's nor a person's. */
  readonly programs = new Set<CredentialId>();

  add({ question }: Kept, { id, device, person }: Credential, because: string, times: number): void {
    this.decisions += times;
    const { action, about } = question;
    const one = (into: Map<string, Touched>, whose: string) => {
      const there = into.get(whose);
      const decisions = (there?.decisions ?? 0) + times;
      // Whichever comes first, the same is told: that it is not let in, or else what stands first in the alphabet.
      if (there && rankOf(there) <= rankOf(question)) into.set(whose, { ...there, decisions });
      else into.set(whose, { id: whose, action, about, because, decisions });
    };
    one(this.credentials, id);
    if (device) one(this.devices, device);
    else if (person) one(this.people, person);
    else this.programs.add(id);
  }
}

/** What became of all that was asked. */
export class Tally {
  readonly refused = new Parties();
  readonly allowed = new Parties();
  readonly unknown = new Parties();
  unchanged = 0;
  /** Asked on days on which there was no room for more, or kept in rows that do not open. */
  notCovered = 0;
  /** Of these, in rows that do not open. */
  altered = 0;

  get decisions(): number {
    const { refused, allowed, unknown, unchanged, notCovered } = this;
    return refused.decisions + allowed.decisions + unknown.decisions + unchanged + notCovered;
  }

  add(kept: Kept, credential: Credential | undefined, verdicts: ReadonlyMap<Instant, Verdict>): void {
    const into = new Map<Parties, { because: () => string; times: number }>();
    for (const [at, { yes, no }] of kept.hours) {
      const verdict = verdicts.get(at);
      const parties = verdict && this.#of(verdict);
      if (!parties || !credential) {
        this.unchanged += yes + no;
        continue;
      }
      const before = into.get(parties);
      into.set(parties, { because: before?.because ?? verdict.because, times: (before?.times ?? 0) + yes + no });
    }
    for (const [parties, { because, times }] of into) if (credential) parties.add(kept, credential, because(), times);
  }

  #of({ change }: Verdict): Parties | undefined {
    return change === "none" ? undefined : this[change];
  }
}

/** All of it in one sentence. */
export function sentenceOf(tally: Tally, days: number): string {
  const span = days === 1 ? "the last day" : `the last ${days} days`;
  const { refused, allowed, unknown, notCovered, altered } = tally;
  if (tally.decisions === 0) return `Nothing is kept of ${span} yet, so nobody can say.`;
  const doubts = [
    ...(unknown.decisions > 0 ? [`of ${counted(unknown)} nobody can say`] : []),
    ...(notCovered > altered ? [`${notCovered - altered} decisions were too many to be kept`] : []),
    ...(altered > 0 ? [`${altered} decisions cannot be read, because what was kept of them was altered`] : []),
  ];
  const rest = doubts.length > 0 ? `; ${doubts.join(", and ")}` : "";
  return `On ${span} it would newly refuse ${counted(refused)}, newly allow ${counted(allowed)}${rest}.`;
}

function counted({ devices, people, programs }: Parties): string {
  const parts = [
    count(devices.size, "device", "devices"),
    count(people.size, "person", "people"),
    count(programs.size, "program", "programs"),
  ].filter((part) => part !== "");
  if (parts.length === 0) return "none";
  return [parts.slice(0, -1).join(", "), parts.at(-1)].filter(Boolean).join(" and ");
}

const count = (of: number, one: string, many: string): string => (of === 0 ? "" : `${of} ${of === 1 ? one : many}`);

/** The first so many that somebody sees, in the order of their identifiers. */
export const firstOf = (
  all: ReadonlyMap<string, Touched>,
  most: number,
  sees: (id: string) => boolean,
): readonly Touched[] =>
  [...all.values()]
    .filter(({ id }) => sees(id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, most);

export const isDevice = (about: string | undefined): about is Id<"device"> =>
  about !== undefined && isId("device", about);
