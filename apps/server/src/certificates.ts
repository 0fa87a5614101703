import { because, type Clock, type Random, type Report, type Timers } from "@holdfast/kernel";
import type { Config } from "./config.ts";
import { Certificates, expectedNames, thisMachine, type CertificateNeeds } from "./tls/index.ts";

type Needs = {
  readonly config: Config;
  readonly secrets: CertificateNeeds["secrets"];
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly report: Report;
};

/** The certificates that the settings ask for, by the machine's own clock, which is what clients compare a certificate with. */
export function openCertificates(needs: Needs, events: { changed: () => void }): Promise<Certificates> {
  const { config, secrets, clock, random, timers, report } = needs;
  const { host, publicNames, tlsCert, tlsKey } = config;
  return Certificates.open({
    secrets,
    clock,
    random,
    timers,
    names: expectedNames({ host, publicNames, machine: thisMachine() }),
    ...(tlsCert !== undefined && tlsKey !== undefined && { files: { cert: tlsCert, key: tlsKey } }),
    report: (event) => {
      if (event.code === "tls.unusable") {
        const message = `${event.detail} The certificate before stays in service.`;
        return report(message, { ...because(event.cause), code: event.code });
      }
      report(`New certificate in service: SHA-256 ${event.certificate.sha256}`);
      events.changed();
    },
  });
}
