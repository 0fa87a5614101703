import {
  measuredText,
  NotReached,
  type Client,
  type LiveEvent,
  type LivePresence,
  type LiveReading,
  type LiveRefused,
} from "@holdfast/client";
import type { Id } from "@holdfast/kernel";
import { idOf, onOff, optional } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

/** How long to wait before connecting again, the first time and at most, in milliseconds. */
const [shortest, longest] = [500, 10_000];

export const tailVerbs = [
  verb({
    name: "device tail",
    summary: "Follow readings, refusals, and who comes and goes, of one device or of all that you may read",
    arguments: { device: optional(idOf("device"), "which device; without it all") },
    flags: { strangers: onOff("also who came from your address with no credential that is known here") },
    async run({ device, strangers }, tools) {
      const client = await tools.client();
      let wait = shortest;
      let wasOpen = false;
      for (;;) {
        try {
          const because = await follow(client, { device, ...(strangers && { strangers: "true" }) }, tools, () => {
            if (wasOpen) tools.print.note("Connected again.");
            wasOpen = true;
            wait = shortest;
          });
          tools.print.note(`The platform ended the stream${because && `: ${because}`}. Connecting again.`);
        } catch (error) {
          // Once it has worked, a lost connection is waited out; a refusal is final.
          if (!(error instanceof NotReached) || error.why === "untrusted" || !wasOpen) throw error;
          tools.print.note(`${error.message} Connecting again.`);
        }
        await tools.world.pause(wait);
        wait = Math.min(wait * 2, longest);
      }
    },
  }),
];

/** Answers why the platform ended the stream, as far as it said so. */
async function follow(
  client: Client,
  query: { readonly device: Id<"device"> | undefined; readonly strangers?: "true" },
  tools: Tools,
  onOpen: () => void,
): Promise<string> {
  let because = "";
  for await (const event of client.watch(query, { onOpen })) {
    if (event.type === "end") because = event.data.because;
    else tools.print.line({ event: event.type, ...event.data }, lineOf(event, query.device));
  }
  return because;
}

type Shown = Exclude<LiveEvent, { type: "end" }>;

function lineOf(event: Shown, only: Id<"device"> | undefined): string {
  const told = wordsOf(event);
  const whose = only === undefined && "device" in event.data ? [event.data.device] : [];
  return [...told.slice(0, 1), ...whose, ...told.slice(1)].join("  ");
}

/** When, and what. */
function wordsOf({ type, data }: Shown): readonly string[] {
  switch (type) {
    case "reading":
      return readingOf(data);
    case "refused":
      return refusalOf(data);
    case "presence":
      return presenceOf(data);
    case "stranger":
      return [data.at, `STRANGER from ${data.address} over ${data.transport}: ${data.title} (${data.code})`];
  }
}

const presenceOf = ({ at, state, because }: LivePresence): readonly string[] => [
  at,
  `${state.toUpperCase()}${because === undefined ? "" : `: ${because}`}`,
];

const readingOf = ({ time, values, marks = {} }: LiveReading): readonly string[] => [
  time,
  ...Object.entries(values).map(([name, value]) => {
    const mark = Object.hasOwn(marks, name) ? ` MARKED ${marks[name]}` : "";
    return `${name}=${measuredText(value)}${mark}`;
  }),
];

/** Why first, and then what else is known; the sentence names the way out. */
function refusalOf(refused: LiveRefused): readonly string[] {
  const { at, action, transport, topic, code, title, detail, because, omitted } = refused;
  const what = [action, ...(topic === undefined ? [] : [topic]), `over ${transport}`].join(" ");
  return [
    at,
    `REFUSED ${what}: ${[title, detail].filter(Boolean).join(" ")} (${code}${because === undefined ? "" : `; ${because}`})`,
    ...(omitted === undefined ? [] : [`and ${omitted} before it that are not shown`]),
  ];
}
