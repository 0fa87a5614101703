import { rfc3339, uuidOf, type Id } from "@holdfast/kernel";
import { childRpcTopic, foreignCommandTopic, rpcRequestTopic } from "@holdfast/protocol";
import type { Command, Sent } from "./command.ts";

// Commands in the words of other platforms; docs/migration.md says what is lost on the way.

/** 31 bits of the id, which is random: other firmware counts its requests, and keeps the number in an int. */
const numberOf = (id: Id<"command">): number => Number.parseInt(id.slice(4, 12), 16) >>> 1;

/** The first and the last id of that number. */
export function rangeOf(number: number): readonly [string, string] {
  const begin = (bit: number) => (number * 2 + bit).toString(16).padStart(8, "0");
  const idOf = (text: string) => uuidOf(`cmd_${text}` as Id<"command">); // of 32 digits
  return [idOf(begin(0).padEnd(32, "0")), idOf(begin(1).padEnd(32, "f"))];
}

type Message = { readonly topic: string; readonly payload: Uint8Array };

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Where a device would hear it in other words than ours. */
export const foreignTopics = ({ id, device }: Pick<Command, "id" | "device">): readonly string[] => [
  foreignCommandTopic(device),
  rpcRequestTopic(device, numberOf(id)),
];

/** One command in each of these words; `child` is what its gateway calls the device, where that hears of it by a name. */
export const foreignMessages = (
  { id, device, name, body = null, createdAt }: Sent,
  child: string | undefined,
): readonly Message[] => {
  const call = { method: name, params: body };
  const losant = { name, time: { $date: rfc3339(createdAt) }, payload: body };
  const toGateway = { device: child, data: { id: numberOf(id), ...call } };
  return [
    { topic: foreignCommandTopic(device), payload: bytesOf(losant) },
    { topic: rpcRequestTopic(device, numberOf(id)), payload: bytesOf(call) },
    ...(child === undefined ? [] : [{ topic: childRpcTopic(device), payload: bytesOf(toGateway) }]),
  ];
};
