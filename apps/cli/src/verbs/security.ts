import { routes } from "@holdfast/protocol";
import { verb } from "../verb.ts";

/** What is wrong with the copy of the keys. */
const staleKeys = {
  no: "",
  erasure: "something was erased since, which that copy opens: make a new one and destroy it",
  age: "that copy is older than 30 days: make a new one and destroy it",
} as const;

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
      const { tls, keys, listeners, certificates, limits, folders, backups, storage } = facts;
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
        ["", staleKeys[keys.stale ?? "no"]],
        ["keys since then", String(keys.newSinceBackup)],
        ["key of this organisation", age(keys.made.organisation)],
        ["root key", age(keys.made.root)],
        ["what wraps lasting keys", age(keys.made.lasting)],
        ["what wraps the log's keys", age(keys.made.passing)],
        [
          "data backed up",
          backups?.lastAt === undefined ? "never, as far as the keyring knows" : print.at(backups.lastAt),
        ],
        ["largest message", `${limits.maximumMessage} bytes`],
        ["data folder", folders?.data ?? ""],
        ["keys folder", folders?.keys ?? ""],
      ]);
      if (storage?.isFull) print.note("The disk of the data is almost full: nothing new is taken until there is room.");
      if (storage?.isMoveHeldUp)
        print.note("Old readings cannot be moved to the object store. The log of the platform says why.");
      if (backups?.isLate) print.note("The backup of the data is late. The log of the platform says why.");
      if (keys.besideData) print.note("The keys lie on the disk of the data: whoever takes it has both.");
    },
  }),
];
