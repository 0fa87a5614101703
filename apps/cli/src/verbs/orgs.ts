import { leastTransports, routes, tlsVersions, type Demands } from "@holdfast/protocol";
import { count, onOff, oneOf, optional, required, text } from "../parameter.ts";
import { verb } from "../verb.ts";
import { Misuse } from "../failure.ts";
import { counted, showEnds } from "../ends.ts";
import type { Tools } from "../tools.ts";

type Org = {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly isSimulated: boolean;
  readonly demands: Demands;
  readonly endsAt?: string | undefined;
  readonly isSuspended: boolean;
};

const parties = ["people", "programs", "devices"] as const;

const factors = { second: "a second factor", passkey: "a passkey" } as const;

const inWords = ({
  bound,
  greatestAgeDays,
  leastTls,
  leastTransport,
  factor,
  factorFrom,
  provider,
}: NonNullable<Demands["people"]> & NonNullable<Demands["devices"]> = {}): string =>
  [
    provider ? `the provider for addresses of ${provider.domains.join(", ")}` : "",
    factor ? `${factors[factor]}${factorFrom ? ` from ${factorFrom} on` : ""}` : "",
    bound ? "bound to a key" : "",
    greatestAgeDays ? `at most ${greatestAgeDays} days old` : "",
    leastTls ?? "",
    leastTransport ? `at least ${leastTransport}` : "",
  ]
    .filter((one) => one !== "")
    .join(", ");

const show = (org: Org, { print }: Tools): void =>
  print.thing(org, [
    ["id", org.id],
    ["name", org.name],
    ["made", print.at(org.createdAt)],
    ["simulated", org.isSimulated ? "everything in it" : ""],
    ["suspended", org.isSuspended ? "by the administrator of the instance" : ""],
    ["erased", org.endsAt === undefined ? "" : print.at(org.endsAt)],
    ...parties.map((party): [string, string] => [`demands of ${party}`, inWords(org.demands[party])]),
  ]);

export const orgVerbs = [
  verb({
    name: "org create",
    summary: "Make a further organisation, as the administrator of the instance",
    flags: { name: required(text("NAME"), "what it is called") },
    async run({ name }, tools) {
      const made = await (await tools.client()).call(routes.createOrg, { body: { name } });
      tools.print.thing(made, [
        ["organisation", made.org],
        ["token", made.token],
        ["expires", tools.print.at(made.expiresAt)],
      ]);
      tools.print.secretNote("token");
    },
  }),
  verb({
    name: "org show",
    summary: "Show your organisation",
    run: async (_, tools) => show(await (await tools.client()).call(routes.readOrg), tools),
  }),
  verb({
    name: "org rename",
    summary: "Give your organisation another name",
    flags: { name: required(text("NAME"), "what it is called from now on") },
    run: async ({ name }, tools) =>
      show(await (await tools.client()).call(routes.updateOrg, { body: { name } }), tools),
  }),
  verb({
    name: "org leave",
    summary: "End your own membership of the organisation that you are signed in to; its last owner stays",
    async run(_, tools) {
      await (await tools.client()).call(routes.leaveOrg);
      tools.print.thing({ left: true }, [["left", "this organisation, and signed out of it"]]);
    },
  }),
  verb({
    name: "org delete",
    summary: "Delete your organisation: nobody but its owners comes in any more, and after seven days it is erased",
    flags: { name: required(text("NAME"), "what it is called, so that it is not another one") },
    run: async ({ name }, tools) =>
      show(await (await tools.client()).call(routes.deleteOrg, { body: { name } }), tools),
  }),
  verb({
    name: "org restore",
    summary: "Call the deletion of your organisation off",
    run: async (_, tools) => show(await (await tools.client()).call(routes.keepOrg), tools),
  }),
  verb({
    name: "restore confirm",
    summary: "Say of your restored organisation that who may what in it is as it should be, so that it is served again",
    run: async (_, tools) => show(await (await tools.client()).call(routes.confirmOrg), tools),
  }),
  verb({
    name: "org demand",
    summary: "Say what your organisation demands of credentials of one party, in place of what it demanded before",
    flags: {
      of: required(oneOf(...parties), "whose"),
      bound: onOff("they have to be bound to a key"),
      "greatest-age-days": optional(count, "how old they may become"),
      "least-tls": optional(oneOf(...tlsVersions), "over what they have to come"),
      "least-transport": optional(
        oneOf(...leastTransports),
        "of devices: what protects what they send; tls forbids direct sockets",
      ),
      factor: optional(oneOf("second", "passkey"), "of people: what they need beside their password"),
      "factor-from": optional(text("TIME"), "from when on, such as 2027-01-01T00:00:00Z; at once otherwise"),
      preview: onOff("show what that would refuse now, open connections too, and demand nothing"),
    },
    examples: ["org demand --of people --factor second --factor-from 2027-01-01T00:00:00Z --preview"],
    async run({ of, bound, preview, ...more }, tools) {
      const { "greatest-age-days": greatestAgeDays, "least-tls": leastTls, factor, "factor-from": factorFrom } = more;
      if (of !== "people" && (factor ?? factorFrom) !== undefined)
        throw new Misuse("Only people have factors: --of people.");
      const leastTransport = more["least-transport"];
      if (of !== "devices" && leastTransport !== undefined)
        throw new Misuse("Only devices come by direct sockets: --of devices.");
      const client = await tools.client();
      const { demands } = await client.call(routes.readOrg);
      // Who has to come by a provider, domain demand and domain relax say.
      const provider = demands.people?.provider;
      const ofPeople = of === "people" ? { factor, factorFrom, ...(provider && { provider }) } : {};
      const ofDevices = of === "devices" ? { leastTransport } : {};
      const body = {
        demands: {
          ...demands,
          [of]: { ...(bound && { bound }), greatestAgeDays, leastTls, ...ofPeople, ...ofDevices },
        },
      };
      if (preview) {
        const refused = await client.call(routes.previewDemands, { body });
        return showEnds(refused, counted(refused.credentials.count, "credential"), tools, "would refuse");
      }
      show(await client.call(routes.updateOrg, { body }), tools);
    },
  }),
  verb({
    name: "org upkeep",
    summary: "Show, or with flags say, what is done about secrets that are old or that others may have read",
    flags: {
      "end-exposed": optional(
        oneOf("yes", "no"),
        "whether a credential that stands in a URL or topic is revoked at once",
      ),
      "old-after": optional(count, "from how many days on a secret is called old"),
      "ending-within": optional(
        count,
        "how many days before its end a certificate is said to end, where a third of its time is not less",
      ),
    },
    async run({ "end-exposed": ends, "old-after": oldAfterDays, "ending-within": endingWithinDays }, tools) {
      const client = await tools.client();
      const body = {
        ...(ends && { endExposed: ends === "yes" }),
        ...(oldAfterDays !== undefined && { oldAfterDays }),
        ...(endingWithinDays !== undefined && { endingWithinDays }),
      };
      const asked = Object.keys(body).length > 0;
      const upkeep = asked ? await client.call(routes.updateUpkeep, { body }) : await client.call(routes.readUpkeep);
      tools.print.thing(upkeep, [
        ["exposed credentials", upkeep.endExposed ? "are revoked at once" : "are flagged"],
        ["old after", `${upkeep.oldAfterDays} days`],
        ["certificates end", `within ${upkeep.endingWithinDays} days`],
      ]);
    },
  }),
];
