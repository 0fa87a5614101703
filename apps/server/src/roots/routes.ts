import { rfc3339 } from "@holdfast/kernel";
import { rootsTopic, routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { ToDevice } from "../messages/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import type { CertificateInfo } from "../tls/index.ts";
import type { Left, Roots } from "./roots.ts";
import { parseTrusted, shownOf } from "./trusted.ts";
import type { Trusting } from "./trusting.ts";

type Saying = { readonly trusting: Trusting; readonly telemetry: Telemetry; readonly toDevice: ToDevice };

export const trustRoutes = ({ trusting, telemetry, toDevice }: Saying): Handler[] => [
  on(routes.reportRoots, async ({ permit, caller, body }) => {
    await telemetry.admitBeside(caller.space, permit.on, body.bytes);
    await trusting.say(caller.space, permit.on, parseTrusted(body.bytes));
    // Whoever listens over MQTT hears it, however it came.
    toDevice.send(caller.space, permit.on, { topic: rootsTopic(permit.on), payload: new Uint8Array(body.bytes) });
    return {};
  }),
];

export const rootRoutes = ({ roots }: { readonly roots: Roots }): Handler[] => [
  on(routes.readRoots, async ({ permit }) => {
    const { roots: all, version, switchesAt, isSpareHere, devices, organisations } = await roots.stages(permit);
    const staged = { version, roots: all.map(rootReply), switchesAt: rfc3339(switchesAt), spareHere: isSpareHere };
    return { ...staged, devices, organisations: [...organisations] };
  }),
  on(routes.switchRoots, async ({ permit, body: { to, cutOff } }) => {
    const { current, version } = await roots.switchTo(permit, to, cutOff);
    return { version, current: rootReply(current) };
  }),
  on(routes.listDeviceRoots, async ({ reach, query: { to, trust, limit, cursor } }) => {
    const { items, nextCursor } = await roots.left(reach, { to, trust, limit, cursor });
    return { items: items.map(leftReply), ...(nextCursor && { nextCursor }) };
  }),
];

const rootReply = ({ name, state, sha256, notBefore, notAfter }: CertificateInfo) => ({
  name,
  state,
  sha256,
  notBefore: rfc3339(notBefore),
  notAfter: rfc3339(notAfter),
});

const leftReply = ({ device, name, application, trust, trusted }: Left) => ({
  device,
  name,
  application,
  trust,
  ...(trusted && { roots: [...trusted.roots].map(shownOf), saidAt: rfc3339(trusted.saidAt) }),
});
