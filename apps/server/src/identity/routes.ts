import { rfc3339 } from "@holdfast/kernel";
import { parseGrants, routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Identity, Welcome } from "./identity.ts";
import type { Organisation, Organisations } from "./organisation.ts";

export const identityRoutes = ({
  identity,
  organisations,
}: {
  identity: Identity;
  organisations: Organisations;
}): Handler[] => [
  on(routes.setUp, async ({ body }) => welcomeReply(await identity.setUp(body))),
  on(routes.signIn, async ({ body }) =>
    welcomeReply(
      await identity.signIn({
        email: body.email,
        password: body.password,
        org: body.org,
        name: body.name,
        grants: body.grants && parseGrants(body.grants),
        lifetime: body.expiresIn,
      }),
    ),
  ),
  on(routes.createOrg, async ({ permit, body }) => {
    const { org, token, expiresAt } = await identity.createOrg(permit, body.name);
    return { org, token, expiresAt: rfc3339(expiresAt) };
  }),
  on(routes.readOrg, async ({ permit }) => orgReply(await organisations.read(permit))),
  on(routes.updateOrg, async ({ permit, body }) => orgReply(await organisations.rename(permit, body.name))),
];

const welcomeReply = ({ org, person, token, expiresAt }: Welcome) => ({
  org,
  person,
  token,
  expiresAt: rfc3339(expiresAt),
});

const orgReply = ({ id, name, createdAt }: Organisation) => ({ id, name, createdAt: rfc3339(createdAt) });
