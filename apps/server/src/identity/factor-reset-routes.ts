import { parseId, rfc3339, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import { overBy, type FactorReset } from "./factor-reset.ts";
import type { FactorResets, Seen } from "./factor-resets.ts";

export const factorResetRoutes = ({ resets }: { readonly resets: FactorResets }): Handler[] => [
  on(routes.listFactorResets, async ({ permit }) => ({ items: (await resets.list(permit)).map(seenReply) })),
  on(routes.beginFactorReset, async ({ permit, params }) => seenReply(await resets.begin(permit, personIn(params)))),
  on(routes.callOffFactorReset, async ({ permit, params }) => {
    await resets.callOff(permit, personIn(params));
    return {};
  }),
  on(routes.readOwnFactorReset, async ({ session }) => {
    const reset = await resets.own(session);
    return reset ? { reset: resetReply(reset) } : {};
  }),
  on(routes.callOffOwnFactorReset, async ({ session }) => {
    await resets.callOffOwn(session);
    return {};
  }),
  on(routes.callOffFactorResetByLink, async ({ body }) => {
    await resets.callOffBy(body.secret);
    return {};
  }),
];

const personIn = (params: Readonly<Record<string, string>>): Id<"person"> => parseId("person", params["person"] ?? "");

const seenReply = ({ person, email, factors, reset }: Seen) => ({
  person,
  email,
  factors,
  ...(reset && { reset: resetReply(reset) }),
});

const resetReply = ({ askedAt, dueAt }: FactorReset) => ({
  askedAt: rfc3339(askedAt),
  dueAt: rfc3339(dueAt),
  until: rfc3339(overBy(dueAt)),
});
