import { rfc3339 } from "@holdfast/kernel";
import { reportedTopic, routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { ToDevice } from "../messages/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import { parsePatch, readPatch } from "./document.ts";
import { differenceOf, type Twin } from "./twin.ts";
import type { Twins } from "./twins.ts";

type Needs = { readonly twins: Twins; readonly telemetry: Telemetry; readonly toDevice: ToDevice };

export const twinRoutes = ({ twins, telemetry, toDevice }: Needs): Handler[] => [
  on(routes.readTwin, async ({ permit }) => twinReply(await twins.read(permit))),
  on(routes.updateTwin, async ({ permit, body, versions }) =>
    twinReply(await twins.update(permit, readPatch(body.desired), versions)),
  ),
  on(routes.listTwinChanges, async ({ permit }) => ({
    items: (await twins.changes(permit)).map(({ at, ...change }) => ({ ...change, at: rfc3339(at) })),
  })),
  on(routes.readOwnTwin, async ({ permit }) => ownReply(await twins.ofDevice(permit))),
  on(routes.reportTwin, async ({ permit, caller, body }) => {
    await telemetry.admitBeside(caller.space, permit.on, body.bytes);
    const twin = await twins.report(caller.space, permit.on, parsePatch(body.bytes));
    // Whoever listens over MQTT hears it, however it came.
    const message = { topic: reportedTopic(permit.on), payload: new Uint8Array(body.bytes) };
    toDevice.send(caller.space, permit.on, message);
    return ownReply(twin);
  }),
];

const twinReply = (twin: Twin) => {
  const { desired, reported } = twin;
  return {
    version: desired.version,
    desired: desired.document,
    ...(desired.at !== undefined && { desiredAt: rfc3339(desired.at) }),
    reported: reported.document,
    ...(reported.at !== undefined && { reportedAt: rfc3339(reported.at) }),
    reportedVersion: reported.version,
    difference: differenceOf(twin),
  };
};

const ownReply = (twin: Twin) => ({ version: twin.desired.version, desired: differenceOf(twin) });
