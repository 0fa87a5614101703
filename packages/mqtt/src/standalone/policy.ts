import type { Gate, Policy } from "../policy.ts";
import type { Publication } from "../publication.ts";
import { matches } from "../topics.ts";
import { reason } from "../codes.ts";

/** Everybody is welcome in one space and may do everything, except with topics that a denied filter matches. */
export function openPolicy(deny: readonly string[], maximumKeepAlive: number | undefined): Policy<undefined> {
  const isDenied = (topic: string) => deny.some((filter) => matches(filter, topic));
  const gate: Gate = {
    cell: { epoch: 0 },
    epoch: 0,
    publish: (topic) => (isDenied(topic) ? reason.notAuthorized : 0),
    subscribe: (filter) => (deny.includes(filter) || isDenied(filter) ? reason.notAuthorized : 0),
    receive: (topic) => !isDenied(topic),
  };
  return {
    connect: () => ({
      space: "everything",
      principal: "anybody",
      maximumSessions: Infinity, // everybody is one principal here
      gate,
      maximumKeepAlive,
      context: undefined,
    }),
    renew: () => gate,
    accept: (_context, publication: Publication) => {
      publication.settle(0);
      return 0;
    },
  };
}
