import type { Reply } from "@holdfast/client";
import { formatHours, routes, transports } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { any, idOf, oneOf, onOff, optional, required, text } from "../parameter.ts";
import { clipped } from "../text.ts";
import { showSessions } from "../mqtt-sessions.ts";
import { verb } from "../verb.ts";

type Credential = Reply<typeof routes.readCredential>;

const one = { credential: required(text("ID"), "which credential") } as const;

const owner = ({ device, application, person }: Credential): string => device ?? application ?? person ?? "";

function conditionsOf({ conditions = {} }: Credential): [string, string][] {
  const { addresses, hours, rate, origins, transports: over } = conditions;
  const said: [string, string | undefined][] = [
    ["from", addresses?.join(" ")],
    ["at", hours?.map(formatHours).join(", ")],
    ["at most", rate && `${rate.perMinute} a minute, ${rate.burst ?? rate.perMinute} at once`],
    ["over", over?.join(" ")],
    ["from pages of", origins?.join(" ")],
  ];
  return said.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

type Ends = Reply<typeof routes.previewRevocation>;

const others = (count: number): string => (count === 0 ? "" : ` and ${count} that hang on it`);

const connections = ({ connections: { mqtt, eventStreams, webSockets } }: Ends): string =>
  `${counted(mqtt, "MQTT connection")}, ${counted(eventStreams, "event stream")}, ${counted(webSockets, "WebSocket")}`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

export const credentialVerbs = [
  verb({
    name: "credential list",
    summary: "List the organisation's credentials, never a secret",
    flags: {
      kind: optional(text("KIND"), "only of this kind: apiToken, accessKey, operator, device, …"),
      device: optional(idOf("device"), "only of this device"),
      ...paging,
    },
    async run({ kind, device, ...given }, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (asked) =>
        client.call(routes.listCredentials, { query: { ...asked, kind, device } }),
      );
      const columns = [
        { title: "ID", cell: ({ id }: Credential) => id },
        { title: "KIND", cell: (credential: Credential) => credential.kind },
        { title: "NAME", cell: ({ name }: Credential) => name },
        { title: "STATE", cell: ({ state }: Credential) => state },
        { title: "OF", cell: owner },
        { title: "MADE BY", cell: ({ madeBy }: Credential) => madeBy ?? "" },
        { title: "MAY", cell: ({ grants }: Credential) => clipped(grants.join(" "), 40) },
        { title: "USED", cell: ({ lastUsedAt }: Credential) => tools.print.ago(lastUsedAt) },
        { title: "EXPIRES", cell: ({ expiresAt }: Credential) => tools.print.ago(expiresAt) },
      ];
      tools.print.list(page, columns, "There is no such credential.");
    },
  }),
  verb({
    name: "credential get",
    summary: "Show one credential, never its secret",
    arguments: one,
    async run(params, tools) {
      const { print } = tools;
      const credential = await (await tools.client()).call(routes.readCredential, { params });
      print.thing(credential, [
        ["id", credential.id],
        ["kind", credential.kind],
        ["name", credential.name],
        ["state", credential.state],
        ["made by", credential.madeBy ?? ""],
        ["ends with", credential.parent ?? ""],
        ["person", credential.person ?? ""],
        ["application", credential.application ?? ""],
        ["device", credential.device ?? ""],
        ["bound to", credential.boundTo ?? ""],
        ...conditionsOf(credential),
        ["made", print.at(credential.createdAt)],
        ["used", print.at(credential.lastUsedAt)],
        ["expires", print.at(credential.expiresAt)],
        ["may", credential.grants.join(" ")],
      ]);
    },
  }),
  verb({
    name: "credential sessions",
    summary: "Show a program's MQTT sessions: what waits for each, and what it lost",
    arguments: one,
    run: async (params, tools) =>
      showSessions(await (await tools.client()).call(routes.listCredentialSessions, { params }), tools),
  }),
  verb({
    name: "credential revoke",
    summary: "End a credential and its children, within a second",
    arguments: one,
    flags: {
      made: onOff("end the keys of devices and applications too that were made with it or its children"),
      preview: onOff("show what that would end now, open connections too, and end nothing"),
    },
    async run({ credential, made, preview }, tools) {
      const query = made ? { made: "true" as const } : {};
      if (preview) {
        const ends = await (await tools.client()).call(routes.previewRevocation, { params: { credential }, query });
        return tools.print.thing(ends, [
          ["would end", `${credential}${others(ends.credentials.count)}`],
          ...ends.credentials.items.map(({ id, kind, name }) => ["", clipped(`${id} ${kind} ${name}`, 80)] as const),
          ["open now", connections(ends)],
          ["devices behind them", String(ends.devices.count)],
          ...ends.devices.items.map((device) => ["", device] as const),
        ]);
      }
      await (await tools.client()).call(routes.revokeCredential, { params: { credential }, query });
      tools.print.thing({ id: credential, state: "revoked", ...(made && { made }) }, [
        ["revoked", credential],
        ["and", made ? "all that was made with it" : ""],
      ]);
    },
  }),
  verb({
    name: "revoke",
    summary: "End every credential issued so far under an organisation, application, product, device or person",
    arguments: { about: required(text("ID"), "under whom or what") },
    flags: { ends: any(oneOf("people", "programs", "devices"), "only theirs; without it everybody's") },
    async run({ about, ends }, tools) {
      const body = { about, ...(ends.length > 0 && { ends: [...ends] }) };
      await (await tools.client()).call(routes.revoke, { body });
      tools.print.thing({ about, revoked: true }, [["revoked", about]]);
    },
  }),
  verb({
    name: "explain",
    summary: "Say whether a credential may do something, and which clause decides",
    flags: {
      as: required(text("CREDENTIAL"), "the credential's id"),
      action: required(text("ACTION"), "what it would do, such as telemetry.read"),
      resource: optional(text("ID"), "to what it would do it"),
      from: optional(text("ADDRESS"), "where it would come from"),
      transport: optional(oneOf(...transports), "what it would come over"),
    },
    async run({ as: credential, action, resource, from, transport }, tools) {
      const body = { credential, action, resource, from, transport };
      const answer = await (await tools.client()).call(routes.explain, { body });
      tools.print.thing(answer, [
        ["allowed", answer.allowed ? "yes" : "no"],
        ["because", answer.because],
      ]);
    },
  }),
];
