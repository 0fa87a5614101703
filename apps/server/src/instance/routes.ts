import { parseId, rfc3339, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Confirming, Ending } from "../identity/index.ts";
import type { Instance, Known, Outside } from "./instance.ts";

type Needs = { readonly instance: Instance; readonly ending: Ending; readonly confirming: Confirming };

export const instanceRoutes = ({ instance, ending, confirming }: Needs): Handler[] => [
  on(routes.listOrganisations, async ({ permit, query }) => {
    const { items, nextCursor } = await instance.organisations(permit, query);
    return { items: items.map(outsideReply), ...(nextCursor && { nextCursor }) };
  }),
  on(routes.suspendOrganisation, async ({ permit, params }) => {
    await ending.suspend(permit, orgIn(params));
    return {};
  }),
  on(routes.resumeOrganisation, async ({ permit, params }) => {
    await ending.resume(permit, orgIn(params));
    return {};
  }),
  on(routes.confirmOrganisation, async ({ permit, params }) => {
    await confirming.confirmFor(permit, orgIn(params));
    return {};
  }),
  on(routes.confirmOrganisations, async ({ permit }) => ({ confirmed: [...(await confirming.confirmAll(permit))] })),
  on(routes.deleteOrganisation, async ({ permit, params }) => ({
    endsAt: rfc3339(await ending.beginFor(permit, orgIn(params))),
  })),
  on(routes.keepOrganisation, async ({ permit, params }) => {
    await ending.callOffFor(permit, orgIn(params));
    return {};
  }),
  on(routes.listPeople, async ({ permit, query }) => {
    const { items, nextCursor } = await instance.people(permit, query);
    return { items: items.map(personReply), ...(nextCursor && { nextCursor }) };
  }),
  on(routes.makeAdministrator, async ({ permit, params }) => {
    await instance.makeAdministrator(permit, personIn(params));
    return {};
  }),
  on(routes.unmakeAdministrator, async ({ permit, params }) => {
    await instance.unmakeAdministrator(permit, personIn(params));
    return {};
  }),
];

type Params = Readonly<Record<string, string>>;
const orgIn = (params: Params): Id<"org"> => parseId("org", params["org"] ?? "");
const personIn = (params: Params): Id<"person"> => parseId("person", params["person"] ?? "");

type State = "active" | "suspended" | "unconfirmed" | "ending";

function stateOf({
  isSuspended,
  isUnconfirmed,
  endsAt,
}: Pick<Outside, "isSuspended" | "isUnconfirmed" | "endsAt">): State {
  if (isSuspended) return "suspended";
  if (isUnconfirmed) return "unconfirmed";
  return endsAt === undefined ? "active" : "ending";
}

const outsideReply = ({ id, createdAt, endsAt, isSuspended, isUnconfirmed, plan, people, devices }: Outside) => ({
  id,
  createdAt: rfc3339(createdAt),
  state: stateOf({ isSuspended, isUnconfirmed, endsAt }),
  ...(endsAt !== undefined && { endsAt: rfc3339(endsAt) }),
  ...(plan !== undefined && { plan }),
  people,
  devices,
});

const personReply = ({ id, email, createdAt, isAdministrator, organisations, factors }: Known) => ({
  id,
  email,
  createdAt: rfc3339(createdAt),
  administrator: isAdministrator,
  organisations,
  factors,
});
