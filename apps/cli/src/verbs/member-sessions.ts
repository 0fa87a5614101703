import type { Reply } from "@holdfast/client";

import { routes, type Demands } from "@holdfast/protocol";
import { parseDuration } from "../moment.ts";
import { duration, idOf, optional, required } from "../parameter.ts";
import { verb } from "../verb.ts";

type Session = Reply<typeof routes.listMemberSessions>["items"][number];

const one = { person: required(idOf("person"), "which member") } as const;
const minutesOf = (length: string): number => parseDuration(length) / 60_000;
const usual = { absoluteMinutes: 12 * 60, idleMinutes: 2 * 60 };

function programOf({ program: { name = "unknown program", system } }: Session): string {
  return system === undefined ? name : `${name} on ${system}`;
}

/** 90 minutes: "1 h 30 min". */
function inWords(minutes: number): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours > 0 ? `${hours} h` : "", rest > 0 ? `${rest} min` : ""].filter((part) => part !== "").join(" ");
}

/** Where people are signed in to the organisation by browsers, and for how long. */
export const memberSessionVerbs = [
  verb({
    name: "member sessions",
    summary: "List by which browsers a member is signed in to your organisation now",
    arguments: one,
    async run(params, tools) {
      const { print } = tools;
      const { items } = await (await tools.client()).call(routes.listMemberSessions, { params });
      const columns = [
        { title: "SESSION", cell: ({ id }: Session) => id },
        { title: "PROGRAM", cell: programOf },
        { title: "ADDRESS", cell: ({ address }: Session) => address },
        { title: "SHOWN", cell: ({ proofs }: Session) => proofs.join(", ") },
        { title: "SINCE", cell: ({ createdAt }: Session) => print.at(createdAt) },
        { title: "USED", cell: ({ lastUsedAt }: Session) => print.at(lastUsedAt) },
        { title: "UNTIL", cell: ({ expiresAt }: Session) => print.at(expiresAt) },
      ];
      print.list({ items }, columns, "She is signed in nowhere.");
    },
  }),
  verb({
    name: "member sign-out",
    summary: "End all of a member's sessions in your organisation at once; one alone ends by credential revoke",
    arguments: one,
    async run(params, tools) {
      const { ended } = await (await tools.client()).call(routes.endMemberSessions, { params });
      tools.print.thing({ ended }, [["ended", String(ended)]]);
    },
  }),
  verb({
    name: "org sessions",
    summary: "Show, or with flags say, how long people stay signed in to your organisation by browsers",
    flags: {
      longest: optional(duration, "whatever they do, from the sign-in on: 15m to 48h"),
      idle: optional(duration, "while they ask nothing: 5m to 48h"),
    },
    examples: ["org sessions --longest 8h --idle 30m"],
    async run({ longest, idle }, tools) {
      const client = await tools.client();
      const org = await client.call(routes.readOrg);
      const said = {
        ...(longest !== undefined && { absoluteMinutes: minutesOf(longest) }),
        ...(idle !== undefined && { idleMinutes: minutesOf(idle) }),
      };
      const demands: Demands = { ...org.demands, sessions: { ...org.demands.sessions, ...said } };
      const isAsked = Object.keys(said).length > 0;
      const { demands: now } = isAsked ? await client.call(routes.updateOrg, { body: { demands } }) : org;
      const { absoluteMinutes = usual.absoluteMinutes, idleMinutes = usual.idleMinutes } = now.sessions ?? {};
      tools.print.thing({ absoluteMinutes, idleMinutes }, [
        ["at the longest", inWords(absoluteMinutes)],
        ["asking nothing", inWords(idleMinutes)],
      ]);
    },
  }),
];
