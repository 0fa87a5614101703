import { routes } from "@holdfast/protocol";
import { verb } from "../verb.ts";

export const securityVerbs = [
  verb({
    name: "security show",
    summary: "Show how the platform is set up: TLS, certificates, listeners, keys",
    async run(_, tools) {
      const { print } = tools;
      const facts = await (await tools.client()).call(routes.readPlatform);
      const age = (made: { at: string; known: "exactly" | "atLatest" } | undefined) =>
        made === undefined
          ? "not known"
          : `made ${made.known === "atLatest" ? "before " : ""}${print.at(made.at)} (${print.ago(made.at)})`;
      const { tls, keys, listeners, certificates, limits, folders } = facts;
      print.thing(facts, [
        ["version", facts.version],
        ["address", facts.url],
        ["", facts.mqttsUrl],
        ["TLS", `${tls.minimum} and newer`],
        ["key agreement", tls.groups.join(", ")],
        ["suites", tls.suites.join(", ")],
        ...listeners.map(({ protocol, port, transports }) => [`${protocol} ${port}`, transports.join(", ")] as const),
        ...certificates.map(
          ({ what, subject, sha256, notBefore, notAfter }) =>
            [
              what,
              `${subject ?? ""}, good since ${print.ago(notBefore)}, ends ${print.ago(notAfter)}, SHA-256 ${sha256}`,
            ] as const,
        ),
        ["keys", keys.place === "postgresql" ? "in another PostgreSQL" : `in a ${keys.place}`],
        ["keys backed up", keys.backedUpAt === undefined ? "never" : print.at(keys.backedUpAt)],
        ["keys since then", String(keys.newSinceBackup)],
        ["key of this organisation", age(keys.made.organisation)],
        ["root key", age(keys.made.root)],
        ["what wraps lasting keys", age(keys.made.lasting)],
        ["what wraps the log's keys", age(keys.made.passing)],
        ["largest message", `${limits.maximumMessage} bytes`],
        ["data folder", folders?.data ?? ""],
        ["keys folder", folders?.keys ?? ""],
      ]);
      if (keys.besideData) print.note("The keys lie on the disk of the data: whoever takes it has both.");
    },
  }),
];
