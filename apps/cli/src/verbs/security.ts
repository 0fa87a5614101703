import { routes } from "@holdfast/protocol";
import { verb } from "../verb.ts";

export const securityVerbs = [
  verb({
    name: "security show",
    summary: "Show how the platform is set up: TLS, certificates, listeners, keys",
    async run(_, tools) {
      const { print } = tools;
      const facts = await (await tools.client()).call(routes.readPlatform);
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
          ({ what, subject, sha256, notAfter }) =>
            [what, `${subject ?? ""}, ends ${print.ago(notAfter)}, SHA-256 ${sha256}`] as const,
        ),
        ["keys", keys.place === "postgresql" ? "in another PostgreSQL" : `in a ${keys.place}`],
        ["keys backed up", keys.backedUpAt === undefined ? "never" : print.at(keys.backedUpAt)],
        ["keys since then", String(keys.newSinceBackup)],
        ["largest message", `${limits.maximumMessage} bytes`],
        ["data folder", folders?.data ?? ""],
        ["keys folder", folders?.keys ?? ""],
      ]);
      if (keys.besideData) print.note("The keys lie on the disk of the data: whoever takes it has both.");
    },
  }),
];
