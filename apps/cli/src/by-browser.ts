import { ApiProblem, NotReached, type Client } from "@holdfast/client";
import { commandClient, deviceCodeGrant, routes } from "@holdfast/protocol";
import type { Tools } from "./tools.ts";

type Asked = {
  /** What the token may be used for; all that the person may, when nothing is named. */
  readonly grants: readonly string[];
  readonly lifetime: string | undefined;
  readonly opens: boolean;
};

const second = 1_000; // milliseconds
/** How much longer one waits who was told to slow down (RFC 8628, 3.5), and at most where nobody answers. In seconds. */
const slower = 5;
const longest = 60;

/** Signs in by a browser, on this machine or any other: says where and with which code, and waits until somebody let the command in (RFC 8628). */
export async function byBrowser(tools: Tools, client: Client, { grants, lifetime, opens }: Asked): Promise<string> {
  const { world, print } = tools;
  const scope = grants.length > 0 ? { scope: grants.map(encodeURI).join(" ") } : {};
  const machine = world.machine === "" ? {} : { machine: world.machine };
  const offer = await client.call(routes.authorizeDevice, {
    body: { client_id: commandClient, ...scope, ...machine, ...(lifetime !== undefined && { lifetime }) },
  });
  const { verification_uri_complete: link } = offer;
  print.note(`Open ${offer.verification_uri} in a browser, on any device, and type this code:`);
  for (const line of ["", `    ${offer.user_code}`, ""]) print.note(line);
  print.note(`Or follow ${link} and compare the code. It is good for ${Math.round(offer.expires_in / 60)} minutes.`);
  if (opens) await show(tools, link);
  const until = world.clock.elapsed() + offer.expires_in * second;
  let pause = offer.interval;
  for (;;) {
    await world.pause(pause * second);
    try {
      const body = { client_id: commandClient, grant_type: deviceCodeGrant, device_code: offer.device_code };
      return (await client.call(routes.obtainToken, { body })).access_token;
    } catch (error) {
      const next = pauseAfter(error, pause);
      // The platform says when it is over; where it does not answer, the time that it gave does.
      if (next === undefined || world.clock.elapsed() >= until) throw error;
      pause = next;
    }
  }
}

/** How many seconds to wait before the next question; `undefined` when there is none left to ask. */
function pauseAfter(error: unknown, pause: number): number | undefined {
  if (error instanceof NotReached && error.why !== "untrusted") return Math.min(2 * pause, longest);
  if (!(error instanceof ApiProblem)) return undefined;
  switch (error.code) {
    case "activation.waiting":
      return pause;
    case "activation.tooSoon":
      return pause + slower;
    case "rate.exceeded":
      return Math.max(pause, error.retryAfterSeconds ?? 0);
    default:
      return error.status === 503 ? Math.min(2 * pause, longest) : undefined;
  }
}

async function show({ world, print }: Tools, link: string): Promise<void> {
  if (!/^https?:\/\//i.test(link)) return;
  try {
    await world.open(link);
  } catch (error) {
    print.note(error instanceof Error ? error.message : String(error)); // it can be opened by hand
  }
}
