import type { Client, Reply } from "@holdfast/client";
import { isId, Refusal } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { readSecret } from "../own-files.ts";
import { allPages, paging } from "../pages.ts";
import { any, file, idOf, oneOf, optional, pair, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";
import { roleCalled } from "./roles.ts";

export type Provider = Reply<typeof routes.readProvider>;
type Linked = Reply<typeof routes.listLinkedPeople>["items"][number];

const one = { provider: required(text("PROVIDER"), "its name or its id") } as const;

/** @throws Refusal `provider.unknown` */
export async function providerCalled(client: Client, called: string): Promise<Provider["id"]> {
  if (isId("provider", called)) return called;
  const { items } = await client.call(routes.listProviders);
  const found = items.filter(({ name }) => name.toLowerCase() === called.trim().toLowerCase());
  if (found.length > 1) throw new Misuse(`More than one is called ${called}: holdfast provider list has their ids.`);
  const [only] = found;
  if (!only) throw new Refusal("provider.unknown");
  return only.id;
}

const show = (provider: Provider, { print }: Tools): void => {
  const { roles, secondFactor: { amr = [], acr = [] } = {} } = provider;
  const marks = [...amr.map((value) => `amr ${value}`), ...acr.map((value) => `acr ${value}`)];
  print.thing(provider, [
    ["id", provider.id],
    ["name", provider.name],
    ["state", provider.isEnabled ? "on" : "off"],
    ["issuer", provider.issuer],
    ["client id", provider.clientId],
    ["client secret", provider.hasSecret ? "kept" : "none"],
    ["scopes", ["openid", ...provider.scopes].join(" ")],
    ["short name", provider.shortName ?? ""],
    ["new people", provider.joins === undefined ? "are let in when they were invited" : `become ${provider.joins}`],
    ...(roles?.map.map(({ value, role }, at) => [at === 0 ? `by ${roles.claim}` : "", `${value} = ${role}`] as const) ??
      []),
    ["second factor", marks.length === 0 ? "what it says of it does not count" : marks.join(", ")],
    ["callback", provider.callback],
    ["back-channel", provider.backChannelLogout],
    ...provider.domains.map(({ domain, proof }, at) => [at === 0 ? "domains" : "", `${domain} (${proof})`] as const),
  ]);
};

const settings = {
  "secret-file": optional(file, "file with the client's secret; - reads stdin"),
  scope: any(text("SCOPE"), "what is asked for beside openid; email and profile if you do not say"),
  "short-name": optional(text("NAME"), "what the organisation is called at the sign-in page"),
  joins: optional(text("ROLE"), "as what whoever comes for the first time becomes a member"),
  claim: optional(text("CLAIM"), "which claim says what people are"),
  map: any(pair, "what somebody is of whom the claim says that: VALUE=ROLE; the first that fits decides"),
  amr: any(text("VALUE"), "what the provider says in amr of whoever showed a second factor"),
  acr: any(text("VALUE"), "what it says in acr of that"),
} as const;

type Said = {
  readonly "secret-file": string | undefined;
  readonly scope: readonly string[];
  readonly "short-name": string | undefined;
  readonly joins: string | undefined;
  readonly claim: string | undefined;
  readonly map: readonly (readonly [value: string, role: string])[];
  readonly amr: readonly string[];
  readonly acr: readonly string[];
};

/** What was said of a provider, and nothing of what was not. */
async function saidOf(given: Said, client: Client, { world }: Tools) {
  const { "secret-file": secret, scope, "short-name": shortName, joins, claim, map, amr, acr } = given;
  if ((claim === undefined) !== (map.length === 0)) throw new Misuse("--claim and --map go together.");
  const rows = [];
  for (const [value, role] of map) rows.push({ value, role: await roleCalled(client, role) });
  return {
    // Never from a flag, where every process can see it.
    ...(secret !== undefined && { clientSecret: await readSecret(secret, "--secret-file", world.in) }),
    ...(scope.length > 0 && { scopes: [...scope] }),
    ...(shortName !== undefined && { shortName }),
    ...(joins !== undefined && { joins: await roleCalled(client, joins) }),
    ...(claim !== undefined && { roles: { claim, map: rows } }),
    ...(amr.length + acr.length > 0 && {
      secondFactor: { ...(amr.length > 0 && { amr: [...amr] }), ...(acr.length > 0 && { acr: [...acr] }) },
    }),
  };
}

const taken = {
  secret: "clientSecret",
  "short-name": "shortName",
  joins: "joins",
  roles: "roles",
  "second-factor": "secondFactor",
} as const;

export const providerVerbs = [
  verb({
    name: "provider list",
    summary: "List the providers (OpenID Connect) that people sign in to your organisation by",
    async run(_, tools) {
      const reply = await (await tools.client()).call(routes.listProviders);
      const columns = [
        { title: "NAME", cell: ({ name }: Provider) => name },
        { title: "STATE", cell: ({ isEnabled }: Provider) => (isEnabled ? "on" : "off") },
        { title: "ISSUER", cell: ({ issuer }: Provider) => issuer },
        { title: "ID", cell: ({ id }: Provider) => id },
      ];
      tools.print.list(reply, columns, "Nobody signs in by a provider.");
    },
  }),
  verb({
    name: "provider show",
    summary: "Show one provider, and what has to be entered there",
    arguments: one,
    async run({ provider: called }, tools) {
      const client = await tools.client();
      show(
        await client.call(routes.readProvider, { params: { provider: await providerCalled(client, called) } }),
        tools,
      );
    },
  }),
  verb({
    name: "provider create",
    summary: "Enter a provider; nobody comes by it until it is switched on",
    flags: {
      name: required(text("NAME"), "what it is called here"),
      issuer: required(text("URL"), "as it calls itself, to the letter"),
      "client-id": required(text("ID"), "what it calls this platform"),
      ...settings,
    },
    examples: [
      "provider create --name Keycloak --issuer https://id.example.com/realms/staff --client-id holdfast --secret-file secret --joins viewer --claim groups --map operators=operator",
    ],
    async run({ name, issuer, "client-id": clientId, ...given }, tools) {
      const client = await tools.client();
      const body = { name, issuer, clientId, ...(await saidOf(given, client, tools)) };
      show(await client.call(routes.createProvider, { body }), tools);
    },
  }),
  verb({
    name: "provider update",
    summary: "Change a provider; whoever came by it is signed out where it is another one then, or lets do less",
    arguments: one,
    flags: {
      name: optional(text("NAME"), "what it is called here from now on"),
      issuer: optional(text("URL"), "another issuer, which needs the secret again"),
      "client-id": optional(text("ID"), "what it calls this platform"),
      ...settings,
      without: any(oneOf("secret", "short-name", "joins", "roles", "second-factor"), "what is taken away"),
    },
    async run({ provider: called, name, issuer, "client-id": clientId, without, ...given }, tools) {
      const client = await tools.client();
      const params = { provider: await providerCalled(client, called) };
      const less = Object.fromEntries(without.map((what) => [taken[what], null]));
      const said = { name, issuer, clientId, ...(await saidOf(given, client, tools)), ...less };
      if (Object.values(said).every((value) => value === undefined))
        throw new Misuse("Say what to change: holdfast help provider update");
      show(await client.call(routes.updateProvider, { params, body: said }), tools);
    },
  }),
  ...([true, false] as const).map((isEnabled) =>
    verb({
      name: isEnabled ? "provider on" : "provider off",
      summary: isEnabled
        ? "Let people come by a provider"
        : "Let nobody come by a provider; whoever did is signed out within a second",
      arguments: one,
      async run({ provider: called }, tools) {
        const client = await tools.client();
        const params = { provider: await providerCalled(client, called) };
        show(await client.call(routes.updateProvider, { params, body: { isEnabled } }), tools);
      },
    }),
  ),
  verb({
    name: "provider try",
    summary: "Ask a provider what it says of itself, and whether it knows the client, and say what is wrong",
    arguments: one,
    async run({ provider: called }, tools) {
      const client = await tools.client();
      const params = { provider: await providerCalled(client, called) };
      const tried = await client.call(routes.tryProvider, { params });
      tools.print.thing(tried, [
        ["people can sign in by it", tried.isUsable ? "yes" : "no"],
        ...tried.findings.map(({ level, says }) => [level, says] as const),
      ]);
    },
  }),
  verb({
    name: "provider remove",
    summary: "Remove a provider, and what it knew of people, who stay members",
    arguments: one,
    async run({ provider: called }, tools) {
      const client = await tools.client();
      const provider = await providerCalled(client, called);
      await client.call(routes.removeProvider, { params: { provider } });
      tools.print.thing({ id: provider, removed: true }, [["removed", provider]]);
    },
  }),
  verb({
    name: "provider people",
    summary: "List who comes by a provider",
    arguments: one,
    flags: paging,
    async run({ provider: called, ...given }, tools) {
      const { print } = tools;
      const client = await tools.client();
      const params = { provider: await providerCalled(client, called) };
      const page = await allPages(given, print, (query) => client.call(routes.listLinkedPeople, { params, query }));
      const columns = [
        { title: "PERSON", cell: ({ person }: Linked) => person },
        { title: "E-MAIL", cell: ({ email }: Linked) => email },
        { title: "SINCE", cell: ({ linkedAt }: Linked) => print.ago(linkedAt) },
        { title: "MEMBER", cell: ({ isMember }: Linked) => (isMember ? "yes" : "no, and not let in") },
      ];
      print.list(page, columns, "Nobody has come by it yet.");
    },
  }),
  verb({
    name: "provider unlink",
    summary: "Forget who somebody is at a provider: she is signed out, and comes by it as for the first time",
    arguments: { ...one, person: required(idOf("person"), "who") },
    async run({ provider: called, person }, tools) {
      const client = await tools.client();
      const provider = await providerCalled(client, called);
      await client.call(routes.unlinkPerson, { params: { provider, person } });
      tools.print.thing({ provider, person, unlinked: true }, [["unlinked", person]]);
    },
  }),
];
