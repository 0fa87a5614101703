import type { Reply } from "@holdfast/client";
import { formatHours, routes, transports } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { readSecret } from "../own-files.ts";
import { any, file, idOf, oneOf, onOff, optional, required, text, type Reader } from "../parameter.ts";
import { parseDuration } from "../moment.ts";
import type { Printer } from "../printer.ts";
import { clipped } from "../text.ts";
import { showSessions } from "../mqtt-sessions.ts";
import { counted, others, showEnds } from "../ends.ts";
import { verb } from "../verb.ts";

type Credential = Reply<typeof routes.readCredential>;

/** A length of time that may be none. */
const overlap: Reader<string> = {
  hint: "24h",
  read: (given) => {
    if (given !== "0") parseDuration(given);
    return given;
  },
};

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

function useOf({ use, former, findings, exposed, leakedAt }: Credential, print: Printer): [string, string][] {
  const said: [string, string | undefined][] = [
    ["used from", use?.from && `${use.from}${use.transport ? ` over ${use.transport}` : ""}`],
    ["used of it", use && `${use.used} of ${use.granted} grants since ${print.at(use.since)}`],
    ["enough were", use && use.narrower.length > 0 ? use.narrower.join(" ") : undefined],
    ["old secret", former && `good until ${print.at(former.endsAt)}, last used ${usedAt(former.lastUsedAt, print)}`],
    ["look at it", findings.length > 0 ? findings.map((one) => findingWords[one]).join("; ") : undefined],
    ["exposed", exposed && `${print.at(exposed.at)} in a ${exposed.where}`],
    ["leaked", leakedAt && print.at(leakedAt)],
  ];
  return said.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

const usedAt = (at: string | undefined, print: Printer): string => (at === undefined ? "never since" : print.at(at));

const findingWords = {
  leaked: "its secret leaked, and it was ended",
  exposed: "its secret stood where others may have read it: rotate it",
  old: "its secret is old: rotate it",
} as const;

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
        { title: "LOOK AT", cell: ({ findings }: Credential) => findings.join(" ") },
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
        ["rotated", print.at(credential.rotatedAt)],
        ["used", print.at(credential.lastUsedAt)],
        ["expires", print.at(credential.expiresAt)],
        ...useOf(credential, print),
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
        return showEnds(ends, `${credential}${others(ends.credentials.count)}`, tools);
      }
      await (await tools.client()).call(routes.revokeCredential, { params: { credential }, query });
      tools.print.thing({ id: credential, state: "revoked", ...(made && { made }) }, [
        ["revoked", credential],
        ["and", made ? "all that was made with it" : ""],
      ]);
    },
  }),
  verb({
    name: "credential rotate",
    summary: "Give a credential another secret; the one before is good for a while yet",
    arguments: one,
    flags: { overlap: optional(overlap, "how long the one before is good: 0 to 30d, without it 24h") },
    examples: ["credential rotate key_… --overlap 7d", "credential rotate key_… --overlap 0"],
    async run({ credential, overlap: length }, tools) {
      const body = length === undefined ? {} : { overlap: length };
      const made = await (await tools.client()).call(routes.rotateCredential, { params: { credential }, body });
      tools.print.thing(made, [
        ["id", made.id],
        ["secret", made.secret ?? ""],
        ["the one before", made.formerEndsAt === undefined ? "is over" : `ends ${tools.print.at(made.formerEndsAt)}`],
      ]);
      tools.print.secretNote("secret");
    },
  }),
  verb({
    name: "leak",
    summary: "Hand in a secret that you found, from stdin or a file: if it opens anything here, it is ended",
    flags: { "secret-file": optional(file, "file that holds it, a token or ID.SECRET; without it stdin") },
    async run({ "secret-file": from = "-" }, tools) {
      const secret = await readSecret(from, "--secret-file", tools.world.in);
      await tools.stranger().call(routes.reportLeak, { body: { secret } });
      tools.print.thing({ taken: true }, [["taken", "if it opened anything here, it does not any more"]]);
    },
  }),
  verb({
    name: "revoke",
    summary:
      "End every credential issued so far under an organisation, application, product, device or person, or of devices with a tag",
    arguments: { about: required(text("ID"), "under whom or what; tag:KEY=VALUE for the devices that have it") },
    flags: {
      ends: any(oneOf("people", "programs", "devices"), "only theirs; without it everybody's"),
      preview: onOff("show what that would end now, open connections too, and end nothing"),
    },
    async run({ about, ends, preview }, tools) {
      if (preview) {
        const query = { about, ...(ends.length > 0 && { ends: ends.join(",") }) };
        const found = await (await tools.client()).call(routes.previewRevocationUnder, { query });
        return showEnds(found, counted(found.credentials.count, "credential"), tools);
      }
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
