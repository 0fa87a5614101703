import { rfc3339, sentenceOf, type CredentialId, type Id, type Instant, type Refusal } from "@holdfast/kernel";
import type { LiveRefused } from "@holdfast/protocol";
import type { Space } from "../authority/index.ts";
import { fit } from "./fit.ts";

/** Something was refused to a device or in its name, as the listener knows it that said no. Nothing of it is fit to be shown yet. */
export type DeviceRefusal = {
  readonly space: Space;
  readonly device: Id<"device">;
  readonly refusal: Refusal;
  /** More than the refused may know. */
  readonly detail?: string | undefined;
  readonly transport: "mqtt" | "http" | "socket";
  /** An action, or what has none: `connect`, `subscribe`, `will`, `session`. */
  readonly action: string;
  readonly topic?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  readonly session?: string | undefined;
  readonly credential?: CredentialId | undefined;
  /** The clause that decided. Asked for only where somebody may read it. */
  readonly because?: (() => string | undefined) | undefined;
};

/** With when it was, and how many of the device before it are not shown. */
export type Told = DeviceRefusal & { readonly at: Instant; readonly omitted: number };

/** For everybody who may see what the device measures: no values, no clause, no credential. */
export function shownTo(refused: Told): LiveRefused {
  const { device, at, action, transport, refusal, topic, size, session, omitted } = refused;
  const { code, faults } = refusal;
  const detail = refused.detail ?? refusal.detail;
  return {
    device,
    at: rfc3339(at),
    action,
    transport,
    code,
    title: sentenceOf(code),
    ...(detail !== undefined && { detail: fit(detail) }),
    ...(faults.length > 0 && {
      errors: faults.map(({ path, message }) => ({ path: fit(path), message: fit(message) })),
    }),
    ...(topic !== undefined && { topic: fit(topic) }),
    ...(size !== undefined && { size }),
    ...(session !== undefined && { session: fit(session) }),
    ...(omitted > 0 && { omitted }),
  };
}

/** And for whoever may know why. */
export function clauseOf({ because, credential }: Told): Pick<LiveRefused, "because" | "credential"> {
  const clause = because?.();
  return { ...(clause !== undefined && { because: fit(clause) }), ...(credential !== undefined && { credential }) };
}
