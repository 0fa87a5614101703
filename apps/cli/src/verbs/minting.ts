import { rfc3339, parseInstant } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { parseDuration } from "../moment.ts";
import { any, count, duration, idOf, oneOf, optional, required, some, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";
import { held, mintHeld } from "./held.ts";

const grant = text("ACTION[:RESOURCE]");
const name = required(text("NAME"), "what it is for");
const expires = optional(duration, "how long it lasts");

type Made = {
  readonly id: string;
  readonly secret?: string | undefined;
  readonly token?: string | undefined;
  readonly expiresAt?: string | undefined;
};

function show(made: Made, asked: string | undefined, { print, world }: Tools): void {
  const { id, token, secret, expiresAt } = made;
  print.thing(made, [
    ["id", id],
    ["token", token ?? ""],
    ["secret", secret ?? ""],
    ["expires", print.at(expiresAt)],
  ]);
  if (token !== undefined || secret !== undefined) print.secretNote(token === undefined ? "secret" : "token");
  // The reply took a moment, and two clocks need not agree to the minute.
  const until = expiresAt === undefined ? undefined : parseInstant(expiresAt);
  const early = asked !== undefined && until !== undefined && world.clock.now() + parseDuration(asked) - until > 60_000;
  if (early)
    print.note(`It ends ${rfc3339(until)}, sooner than ${asked}: nothing outlives the credential that made it.`);
}

export const mintingVerbs = [
  verb({
    name: "token create",
    summary: "Make an API token that may do exactly what it is granted",
    flags: { name, grant: some(grant, "what it may do, and where"), expires, ...held },
    examples: [
      "token create --name dashboard --grant telemetry.read:app_… --expires 90d",
      "token create --name gateway --grant telemetry.write:dev_…,dev_… --grant device.read:tag:site=north",
      "token create --name nightly --grant telemetry.read --new-key nightly.pem",
      "token create --name office --grant device.read --from 192.0.2.0/24 --hours 'mon-fri 08:00-18:00 Europe/Berlin'",
    ],
    async run({ name: called, grant: grants, expires: expiresIn, ...given }, tools) {
      const client = await tools.client();
      const body = { name: called, grants: [...grants], expiresIn };
      const made = await mintHeld(given, (how) => client.call(routes.createToken, { body: { ...body, ...how } }));
      show(made, expiresIn, tools);
    },
  }),
  verb({
    name: "key create",
    summary: "Make a key of one application: id and secret, for programs, its server, or to publish",
    flags: {
      application: required(idOf("application"), "where it may do anything"),
      name,
      kind: optional(
        oneOf("accessKey", "trustedApplication", "application", "enrolment"),
        "an access key; docs/kinds.md has the others",
      ),
      product: optional(idOf("product"), "enrolment: of which product the devices are that it enrols"),
      most: optional(count, "enrolment: how many devices it enrols"),
      valid: optional(duration, "enrolment: how long their certificates are good: 90d; 398d at most"),
      grant: any(grant, "what it may do there; without it telemetry.read, telemetry.write and device.read"),
      expires,
      ...held,
    },
    examples: [
      "key create --application app_… --name factory --kind enrolment --product prd_… --most 500 --expires 30d",
    ],
    async run({ application, name: called, kind, grant: grants, expires: expiresIn, ...rest }, tools) {
      const { product, most, valid, ...given } = rest;
      const enrols = {
        ...(product !== undefined && { product }),
        ...(most !== undefined && { most }),
        ...(valid !== undefined && { validFor: valid }),
      };
      const body = {
        ...(Object.keys(enrols).length > 0 && { enrols }),
        name: called,
        kind,
        ...(grants.length > 0 && { grants: [...grants] }),
        expiresIn,
      };
      const client = await tools.client();
      const params = { application };
      const made = await mintHeld(given, (how) =>
        client.call(routes.createAccessKey, { params, body: { ...body, ...how } }),
      );
      show(made, expiresIn, tools);
    },
  }),
  verb({
    name: "operator create",
    summary: "Make an operator key: administration of the organisation, within what you may do",
    flags: { name, grant: any(grant, "what it may do; without it all that you may"), expires, ...held },
    async run({ name: called, grant: grants, expires: expiresIn, ...given }, tools) {
      const client = await tools.client();
      const body = { name: called, ...(grants.length > 0 && { grants: [...grants] }), expiresIn };
      const made = await mintHeld(given, (how) => client.call(routes.createOperatorKey, { body: { ...body, ...how } }));
      show(made, expiresIn, tools);
    },
  }),
];
