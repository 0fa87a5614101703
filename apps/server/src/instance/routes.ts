import { parseId, rfc3339, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Ending } from "../identity/index.ts";
import type { Instance, Known, Outside } from "./instance.ts";

export const instanceRoutes = ({ instance, ending }: { instance: Instance; ending: Ending }): Handler[] => [
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

const outsideReply = ({ id, createdAt, endsAt, isSuspended, plan, people, devices }: Outside) => ({
  id,
  createdAt: rfc3339(createdAt),
  state: isSuspended ? ("suspended" as const) : endsAt === undefined ? ("active" as const) : ("ending" as const),
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
