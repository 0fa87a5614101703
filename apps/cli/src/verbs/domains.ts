import type { Client, Reply } from "@holdfast/client";
import { Refusal, type Id } from "@holdfast/kernel";
import { routes, type Demands } from "@holdfast/protocol";
import { counted, showEnds } from "../ends.ts";
import { any, idOf, onOff, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";
import { providerCalled } from "./providers.ts";

type Domain = Reply<typeof routes.proveDomain>;

const name = required(text("DOMAIN"), "such as example.com");
const one = { domain: name } as const;

/** @throws Refusal `domain.unknown` */
async function providerOf(client: Client, domain: string) {
  const { items } = await client.call(routes.listProviders);
  const found = items.find(({ domains }) => domains.some((each) => each.domain === domain.toLowerCase()));
  if (!found) throw new Refusal("domain.unknown");
  return { provider: found.id, domain };
}

const inWords = { none: "not proved", dns: "by its record", administrator: "by the administrator of the instance" };

const show = (domain: Domain, { print }: Tools): void =>
  print.thing(domain, [
    ["domain", domain.domain],
    ["proved", inWords[domain.proof]],
    ["lapses", domain.lapsesAt === undefined ? "" : print.at(domain.lapsesAt)],
    ["TXT record", domain.record.name],
    ["its value", domain.record.value],
    ["its people", domain.isDemanded ? "come by the provider alone" : "may come otherwise, too"],
  ]);

/** With other words of who has to come by the provider. */
async function demand(
  client: Client,
  change: (before: NonNullable<NonNullable<Demands["people"]>["provider"]>) => readonly string[],
  more: readonly Id<"person">[] = [],
) {
  const { demands } = await client.call(routes.readOrg);
  const { provider: before = { domains: [] }, ...people } = demands.people ?? {};
  const domains = [...new Set(change(before))];
  const exceptOwners = [...new Set([...(before.exceptOwners ?? []), ...more])];
  const provider = { domains, ...(exceptOwners.length > 0 && { exceptOwners }) };
  return { demands: { ...demands, people: { ...people, ...(domains.length > 0 && { provider }) } } };
}

export const domainVerbs = [
  verb({
    name: "domain add",
    summary: "Enter a domain of your people's addresses, and show the record that proves it",
    arguments: { provider: required(text("PROVIDER"), "by which they come: its name or its id"), domain: name },
    async run({ provider: called, domain }, tools) {
      const client = await tools.client();
      const params = { provider: await providerCalled(client, called) };
      show(await client.call(routes.addDomain, { params, body: { domain } }), tools);
    },
  }),
  verb({
    name: "domain prove",
    summary: "Look for the record of a domain now",
    arguments: one,
    async run({ domain }, tools) {
      const client = await tools.client();
      show(await client.call(routes.proveDomain, { params: await providerOf(client, domain) }), tools);
    },
  }),
  verb({
    name: "domain remove",
    summary: "Take a domain away",
    arguments: one,
    async run({ domain }, tools) {
      const client = await tools.client();
      await client.call(routes.removeDomain, { params: await providerOf(client, domain) });
      tools.print.thing({ domain, removed: true }, [["removed", domain]]);
    },
  }),
  verb({
    name: "domain demand",
    summary: "Let members with an address of a proved domain in by the provider alone, at once",
    arguments: one,
    flags: {
      except: any(idOf("person"), "an owner who may come by a passkey of her own, when the provider does not work"),
      preview: onOff("show what that would refuse now, and demand nothing"),
    },
    async run({ domain, except, preview }, tools) {
      const client = await tools.client();
      const body = await demand(client, ({ domains }) => [...domains, domain.toLowerCase()], except);
      if (preview) {
        const refused = await client.call(routes.previewDemands, { body });
        return showEnds(refused, counted(refused.credentials.count, "credential"), tools, "would refuse");
      }
      await client.call(routes.updateOrg, { body });
      tools.print.thing({ domain, demanded: true }, [["come by the provider alone", domain]]);
    },
  }),
  verb({
    name: "domain relax",
    summary: "Let members with an address of a domain come otherwise, too",
    arguments: one,
    async run({ domain }, tools) {
      const client = await tools.client();
      const body = await demand(client, ({ domains }) => domains.filter((each) => each !== domain.toLowerCase()));
      await client.call(routes.updateOrg, { body });
      tools.print.thing({ domain, demanded: false }, [["may come otherwise, too", domain]]);
    },
  }),
];
