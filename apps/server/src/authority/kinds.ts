import { Refusal, type Id } from "@holdfast/kernel";
import {
  formatGrant,
  isOfNoApplication,
  presets,
  type Action,
  type Conditions,
  type CredentialKind,
  type Grant,
} from "@holdfast/protocol";

const held = new Map(Object.entries(presets).map(([kind, preset]) => [kind, new Set<Action>(preset.actions)] as const));

export const canHold = (kind: CredentialKind, action: Action): boolean => held.get(kind)?.has(action) ?? false;

/** Those that belong to an application. */
export type KindOfApplication = "accessKey" | "trustedApplication" | "application" | "enrolment";

/** What it holds if nobody says. */
export const usualGrants: Readonly<Record<KindOfApplication, readonly string[]>> = {
  accessKey: ["telemetry.read", "telemetry.write", "device.read"],
  trustedApplication: ["device.*", "telemetry.*", "product.*", "application.read", "applicationUser.*"],
  application: [],
  enrolment: ["device.enrol"],
};

/**
 * What of these a key of the application holds: of a star what it can, and everywhere is everywhere in the application.
 * @throws Refusal `grant.malformed` where that is nothing of what was asked for
 */
export function grantsIn(application: Id<"application">, kind: KindOfApplication, asked: readonly Grant[]): Grant[] {
  const held = asked.filter(({ action }) => canHold(kind, action));
  if (held.length === 0 && asked.length > 0) {
    const named = asked.map(formatGrant).join(" ").slice(0, 200);
    throw new Refusal("grant.malformed", {
      detail: `A credential of the kind ${kind} can hold none of these: ${named}.`,
    });
  }
  return held.map((grant) =>
    "all" in grant.where && !isOfNoApplication(grant) ? { action: grant.action, where: { application } } : grant,
  );
}

/** Of a publishable key that says none: the visitors of its pages together. */
const publicRate = { perMinute: 600, burst: 600 } as const;

/** Everybody can read it, so it is good from certain pages alone, and not too often. @throws Refusal `request.malformed` */
export function publishable<T extends { readonly conditions?: Conditions | undefined }>(wanted: T): T {
  const { conditions } = wanted;
  if (!conditions?.origins) {
    const message = "missing: it is published, so it has to name the origins of its pages";
    throw new Refusal("request.malformed", { faults: [{ path: "conditions.origins", message }] });
  }
  return { ...wanted, conditions: { rate: publicRate, ...conditions } };
}

/** Of a key by which devices enrol that says none: it is in every device of a kind, so many have it. */
const enrolmentRate = { perMinute: 600, burst: 600 } as const;

export const paced = <T extends { readonly conditions?: Conditions | undefined }>(wanted: T): T => ({
  ...wanted,
  conditions: { rate: enrolmentRate, ...wanted.conditions },
});
