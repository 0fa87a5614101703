import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Relay } from "./relay.ts";

export const relayRoutes = (relay: Relay): Handler[] => [
  on(routes.relayFrame, async ({ caller, body, address }) => {
    const answer = await relay.bring(caller, Uint8Array.fromBase64(body.frame), address);
    return { answer: answer.toBase64() };
  }),
];
