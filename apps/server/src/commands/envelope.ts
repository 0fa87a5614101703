import { isSoundJson, Refusal, rfc3339, type Instant } from "@holdfast/kernel";
import { replyTopic } from "@holdfast/protocol";
import type { Properties } from "@holdfast/mqtt";
import type { Reply, Sent } from "./command.ts";

const mostBytes = 16_384;

/** What a device is given; docs/commands.md has it byte for byte. */
export type Envelope = {
  readonly id: Sent["id"];
  readonly name: string;
  readonly expires: string;
  /** Milliseconds. */
  readonly expiresIn: number;
  readonly again: boolean;
  readonly body: unknown;
};

export const envelopeOf = ({ id, name, expiresAt, body }: Sent, again: boolean, now: Instant): Envelope => ({
  id,
  name,
  expires: rfc3339(expiresAt),
  expiresIn: Math.max(0, expiresAt - now),
  again,
  body: body ?? null,
});

export const bytesOf = (envelope: Envelope): Uint8Array => new TextEncoder().encode(JSON.stringify(envelope));

/** What MQTT 5 says of it beside; 3.1.1 knows no such thing, and the envelope says all of it too. */
export const propertiesOf = (
  { id, device, expiresAt }: Sent,
  now: Instant,
): Properties & { readonly messageExpiryInterval: number } => ({
  messageExpiryInterval: Math.max(1, Math.ceil((expiresAt - now) / 1_000)),
  responseTopic: replyTopic(device, id),
  correlationData: new TextEncoder().encode(id),
  contentType: "application/json",
});

/** @throws Refusal `command.tooLarge` */
export function refuseTooLarge(body: unknown): void {
  if (Buffer.byteLength(JSON.stringify(body ?? null)) > mostBytes) throw new Refusal("command.tooLarge");
}

/** What a device sent in answer. @throws Refusal `reply.malformed`, `command.tooLarge` */
export function parseReply(bytes: Uint8Array): Reply {
  const sent = parseJson(bytes);
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) throw new Refusal("reply.malformed");
  const [field, ...more] = Object.entries(sent);
  if (!field || more.length > 0) throw new Refusal("reply.malformed");
  const [name, value] = field as [string, unknown]; // what JSON says of it is not known
  if (name === "result") return { result: value };
  if (name === "error") return { error: value };
  throw new Refusal("reply.malformed");
}

/** The same from firmware of another platform, which knows no error: whatever it says is the result. */
export const parseForeignReply = (bytes: Uint8Array): Reply => ({ result: parseJson(bytes) });

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > mostBytes) throw new Refusal("command.tooLarge");
  let sent: unknown;
  try {
    sent = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal("reply.malformed"); // without the cause: it quotes the body
  }
  if (!isSoundJson(sent)) throw new Refusal("reply.malformed");
  return sent;
}
