import { parseId } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Erasures } from "./erasures.ts";
import type { Rule } from "./kept.ts";
import type { Retention } from "./retention.ts";

export const keptRoutes = (retention: Retention, erasures: Erasures): Handler[] => [
  on(routes.eraseDevice, async ({ permit }) => erasures.ofDevice(permit)),
  on(routes.eraseUserReadings, async ({ permit, params }) =>
    erasures.ofUser(permit, parseId("user", params["user"] ?? "")),
  ),
  on(routes.readOrgRetention, async ({ permit }) => retention.ofOrg(permit)),
  on(routes.setOrgRetention, async ({ permit, body }) => {
    await retention.set(permit, body);
    return body;
  }),
  on(routes.previewOrgRetention, async ({ permit, body }) => retention.preview(permit, body)),
  on(routes.readProductRetention, async ({ permit }) => ruleReply(await retention.ofProduct(permit))),
  on(routes.setProductRetention, async ({ permit, body }) => {
    await retention.set(permit, body);
    return ruleReply(body);
  }),
  on(routes.removeProductRetention, async ({ permit }) => {
    await retention.set(permit, {});
    return {};
  }),
  on(routes.previewProductRetention, async ({ permit, body }) => retention.preview(permit, body)),
];

const ruleReply = ({ keep, attributes }: Rule) => ({
  ...(keep !== undefined && { keep }),
  ...(attributes && { attributes: { ...attributes } }),
});
