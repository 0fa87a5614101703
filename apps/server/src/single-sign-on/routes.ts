import { parseId, rfc3339, type Id } from "@holdfast/kernel";
import { callbackOf, routes } from "@holdfast/protocol";
import { on, type Handler, type Space } from "../authority/index.ts";
import { lapsesAt, recordOf, type Domain } from "./domain.ts";
import type { Domains } from "./domains.ts";
import type { Leaving } from "./leaving.ts";
import type { Linking } from "./linking.ts";
import { demandedIn, type Providers, type Shown } from "./providers.ts";
import type { SigningIn } from "./signing-in.ts";

type Emails = (people: readonly Id<"person">[]) => Promise<ReadonlyMap<Id<"person">, string>>;

export const singleSignOnRoutes = ({
  providers,
  domains,
  signingIn,
  linking,
  leaving,
  emailsOf,
}: {
  providers: Providers;
  domains: Domains;
  signingIn: SigningIn;
  linking: Linking;
  leaving: Leaving;
  emailsOf: Emails;
}): Handler[] => [
  on(routes.listProviders, async ({ permit, caller: { space } }) => ({
    items: (await providers.all(permit)).map((one) => providerReply(one, space)),
  })),
  on(routes.readProvider, async ({ permit, caller: { space }, params }) =>
    providerReply(await providers.read(permit, providerIn(params)), space),
  ),
  on(routes.createProvider, async ({ permit, caller: { space }, body }) =>
    providerReply(await providers.create(permit, body), space),
  ),
  on(routes.updateProvider, async ({ permit, caller: { space }, params, body, versions }) =>
    providerReply(await providers.update(permit, providerIn(params), body, versions), space),
  ),
  on(routes.removeProvider, async ({ permit, params }) => {
    await providers.remove(permit, providerIn(params));
    return {};
  }),
  on(routes.tryProvider, async ({ permit, params }) => {
    const findings = await providers.tryOut(permit, providerIn(params));
    return { isUsable: !findings.some(({ level }) => level === "wrong"), findings: [...findings] };
  }),
  on(routes.listLinkedPeople, async ({ permit, caller: { space }, params, query }) => {
    const { items, nextCursor } = await providers.people(permit, providerIn(params), query);
    const emails = await emailsOf(items.map(({ person }) => person));
    return {
      items: items.map(({ person, createdAt }) => ({
        person,
        email: emails.get(person) ?? "",
        isMember: space.member(person) !== undefined,
        linkedAt: rfc3339(createdAt),
      })),
      ...(nextCursor && { nextCursor }),
    };
  }),
  on(routes.unlinkPerson, async ({ permit, params }) => {
    await providers.unlink(permit, providerIn(params), parseId("person", params["person"] ?? ""));
    return {};
  }),
  on(routes.addDomain, async ({ permit, caller: { space }, params, body }) =>
    domainReply(await domains.add(permit, providerIn(params), body.domain), space),
  ),
  on(routes.proveDomain, async ({ permit, caller: { space }, params }) =>
    domainReply(await domains.prove(permit, providerIn(params), domainIn(params)), space),
  ),
  on(routes.removeDomain, async ({ permit, params }) => {
    await domains.remove(permit, providerIn(params), domainIn(params));
    return {};
  }),
  on(routes.approveDomain, async ({ permit, params }) => {
    await domains.approve(permit, orgIn(params), domainIn(params));
    return {};
  }),
  on(routes.withdrawDomain, async ({ permit, params }) => {
    await domains.withdraw(permit, orgIn(params), domainIn(params));
    return {};
  }),
  on(routes.beginProviderSignIn, async ({ body, visit }) => {
    const { location, errand } = await signingIn.begin(body, visit);
    return { reply: { location }, errand };
  }),
  on(routes.endProviderSignIn, async ({ body, visit, errand }) => {
    const { cookie, browser, to } = await signingIn.end(body, errand, visit);
    return { reply: { org: body.org, ...(to !== undefined && { to }) }, cookie, browser };
  }),
  on(routes.providerSignedOut, async ({ params, body }) => {
    await leaving.heed(params["org"] ?? "", params["provider"] ?? "", body.logout_token);
    return {};
  }),
  on(routes.listOwnProviders, async ({ session }) => ({
    items: (await linking.all(session)).map(({ linkedAt, ...own }) => ({
      ...own,
      ...(linkedAt !== undefined && { linkedAt: rfc3339(linkedAt) }),
    })),
  })),
  on(routes.beginLink, async ({ session, body, visit }) => {
    const { location, errand } = await linking.begin(session, body, visit);
    return { reply: { location }, errand };
  }),
  on(routes.endLink, async ({ session, body, errand }) => linking.end(session, body, errand)),
  on(routes.removeLink, async ({ session, params }) => {
    await linking.remove(session, providerIn(params));
    return {};
  }),
];

type Params = Readonly<Record<string, string>>;

const providerIn = (params: Params): Id<"provider"> => parseId("provider", params["provider"] ?? "");
const orgIn = (params: Params): Id<"org"> => parseId("org", params["org"] ?? "");
const domainIn = (params: Params): string => (params["domain"] ?? "").toLowerCase();

function providerReply({ provider, domains }: Shown, space: Space) {
  const { id, name, issuer, clientId, hasSecret, shortName, joins, roles, isEnabled, madeBy, version } = provider;
  const { secondFactor } = provider;
  return {
    id,
    name,
    issuer,
    clientId,
    hasSecret,
    scopes: [...provider.scopes],
    isEnabled,
    madeBy,
    version,
    ...(shortName !== undefined && { shortName }),
    ...(joins !== undefined && { joins }),
    ...(roles && { roles: { claim: roles.claim, map: [...roles.map] } }),
    ...(secondFactor && { secondFactor: factorReply(secondFactor) }),
    callback: callbackOf(space.org),
    backChannelLogout: `/v1/orgs/${space.org}/providers/${id}/back-channel-logout`,
    domains: domains.map((one) => domainReply(one, space)),
    createdAt: rfc3339(provider.createdAt),
  };
}

const factorReply = ({ amr, acr }: NonNullable<Shown["provider"]["secondFactor"]>) => ({
  ...(amr && { amr: [...amr] }),
  ...(acr && { acr: [...acr] }),
});

function domainReply(one: Domain, space: Space) {
  const { domain, token, proof } = one;
  const until = lapsesAt(one);
  return {
    domain,
    record: { name: recordOf(domain), value: token },
    proof: proof?.by ?? ("none" as const),
    ...(proof && { provedAt: rfc3339(proof.at) }),
    ...(until !== undefined && { lapsesAt: rfc3339(until) }),
    isDemanded: demandedIn(space).has(domain),
  };
}
