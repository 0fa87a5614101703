import { parseId, rfc3339, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Claim } from "./claim.ts";
import type { Claims, Shown } from "./claims.ts";

export { handoverRoutes } from "./handover-routes.ts";

export const claimRoutes = (claims: Claims): Handler[] => [
  on(routes.createClaimCode, async ({ permit, body }) => shownReply(await claims.print(permit, body.expiresIn))),
  on(routes.readDeviceClaim, async ({ permit }) => claimReply(await claims.read(permit))),
  on(routes.claimDevice, async ({ caller, body, address }) => {
    const { device, claim } = await claims.claim(caller, body.code, address);
    return { device, ...ownReply(claim) };
  }),
  on(routes.contestDevice, async ({ caller, body, address }) => {
    await claims.contest(caller, body.code, address);
    return {};
  }),
  on(routes.listOwnClaims, async ({ caller }) => ({
    items: (await claims.own(caller)).map(({ device, claim }) => ({ device, ...ownReply(claim) })),
  })),
  on(routes.transferOwnDevice, async ({ caller, params, body }) =>
    shownReply(await claims.transfer(caller, deviceIn(params), body.to)),
  ),
  on(routes.keepOwnDevice, async ({ caller, params }) => {
    await claims.keep(caller, deviceIn(params));
    return {};
  }),
  on(routes.objectToContest, async ({ caller, params }) => {
    await claims.object(caller, deviceIn(params));
    return {};
  }),
  on(routes.releaseOwnDevice, async ({ caller, params }) => {
    await claims.release(caller, deviceIn(params));
    return {};
  }),
];

const deviceIn = (params: Readonly<Record<string, string>>): Id<"device"> => parseId("device", params["device"] ?? "");

const shownReply = ({ code, expiresAt }: Shown) => ({
  code,
  ...(expiresAt !== undefined && { expiresAt: rfc3339(expiresAt) }),
});

/** As its owner sees it: not who wants it. */
function ownReply({ standing }: Claim) {
  switch (standing.state) {
    case "unclaimed":
    case "claimed":
      return { state: standing.state };
    case "transferring":
      return { state: standing.state, until: rfc3339(standing.expiresAt) };
    case "contested":
      return { state: standing.state, until: rfc3339(standing.dueAt) };
  }
}

const claimReply = (claim: Claim) => ({
  ...ownReply(claim),
  code: claim.printed.state,
  ...(claim.printed.state === "good" &&
    claim.printed.expiresAt !== undefined && { codeExpiresAt: rfc3339(claim.printed.expiresAt) }),
  ...(claim.standing.state !== "unclaimed" && { user: claim.standing.owner }),
});
