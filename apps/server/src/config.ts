import { isIP } from "node:net";
import path from "node:path";
import { parseArgs } from "node:util";
import { Refusal } from "@holdfast/kernel";
import { parseNetwork, type Network } from "./authority/index.ts";
import { coldIn, type ColdConfig } from "./cold-config.ts";
import { mailIn, type MailConfig } from "./mail-config.ts";

/** What this process was started with. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

/** The clone that this program is in. */
const home = path.resolve(import.meta.dirname, "../../..");

/** Where the data are when nobody says otherwise. */
export const defaultData = path.join(home, ".data");

/** Nobody asked for plain text (no-color.org). */
export const mayColour = !environment["NO_COLOR"] && environment["TERM"] !== "dumb";

/** Everything that can be set. Each option is also `HOLDFAST_…` in the environment; the command line wins. */
export type Config = {
  readonly data: string;
  readonly keys: string;
  readonly host: string;
  readonly httpsPort: number;
  readonly mqttsPort: number;
  /** HTTPS for clients that show a certificate; none unless it is given. */
  readonly clientCertificatePort: number | undefined;
  /** Direct sockets, without TLS; none unless they are given. */
  readonly udpPort: number | undefined;
  readonly tcpPort: number | undefined;
  readonly databaseUrl: string | undefined;
  readonly keyringUrl: string | undefined;
  /** Opens the keyring; from the environment only, because a command line can be read by everybody on the machine. */
  readonly kek: string | undefined;
  readonly publicNames: readonly string[];
  readonly readyFile: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly securityContact: string | undefined;
  /** Bytes of one MQTT packet or one HTTP body. */
  readonly maximumMessage: number;
  /** Open at once from one address, or one /64 of IPv6. */
  readonly maximumConnectionsPerAddress: number;
  /** New ones in a second from one address, or one /64 of IPv6. Whoever comes beyond that waits. */
  readonly maximumConnectionRatePerAddress: number;
  /** Who loses when the queue of an MQTT session is full: it its oldest message, or the publisher this one. */
  readonly whenFull: "dropOldest" | "refusePublisher";
  /** In hours: how long somebody who lost her second factors waits until they can be removed. */
  readonly factorResetAfter: number;
  /** Proxies, which say in a header of the PROXY protocol whose connection they pass on. */
  readonly proxyFrom: readonly Network[];
  /** Networks inside the house that may be called all the same: where a provider of single sign-on is. */
  readonly outboundAllow: readonly Network[];
  /** Certificates (PEM) that are trusted of whoever is called, beside those that the machine trusts. */
  readonly outboundCa: string | undefined;
  /** Who is asked where names are, in place of the machine's own. */
  readonly dnsServer: { readonly address: string; readonly port: number } | undefined;
  /** Where no other user can reach the data, root goes on as root. */
  readonly allowRoot: boolean;
  /** Whether a set-up may ask for simulated devices, and those that there are run. */
  readonly offersDemo: boolean;
  /** Backups that the platform makes by itself, in milliseconds; none unless a folder is named. */
  readonly backups: { readonly to: string; readonly every: number; readonly keep: number } | undefined;
  /** Bytes that readings take in memory on their way from the log to chunks. */
  readonly telemetryMemory: number;
  /** Where chunks are moved when they are old. */
  readonly cold: ColdConfig | undefined;
  /** The server that takes mail; without one, links for people are written to a file. */
  readonly mail: MailConfig | undefined;
};

const options = {
  data: { type: "string" },
  keys: { type: "string" },
  host: { type: "string" },
  "https-port": { type: "string" },
  "mqtts-port": { type: "string" },
  "client-certificate-port": { type: "string" },
  "udp-port": { type: "string" },
  "tcp-port": { type: "string" },
  "database-url": { type: "string" },
  "keyring-url": { type: "string" },
  "public-name": { type: "string", multiple: true },
  "ready-file": { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "security-contact": { type: "string" },
  "max-message": { type: "string" },
  "max-connections-per-address": { type: "string" },
  "max-connection-rate-per-address": { type: "string" },
  "when-full": { type: "string" },
  "factor-reset-after": { type: "string" },
  "proxy-from": { type: "string", multiple: true },
  "outbound-allow": { type: "string", multiple: true },
  "outbound-ca": { type: "string" },
  "dns-server": { type: "string" },
  "allow-root": { type: "boolean" },
  "no-demo": { type: "boolean" },
  "backup-to": { type: "string" },
  "backup-every": { type: "string" },
  "backup-keep": { type: "string" },
  "telemetry-memory": { type: "string" },
  "cold-after": { type: "string" },
  "cold-store": { type: "string" },
  "cold-region": { type: "string" },
  "cold-key-id": { type: "string" },
  "cold-secret-file": { type: "string" },
  "smtp-url": { type: "string" },
  "smtp-password-file": { type: "string" },
  "smtp-ca": { type: "string" },
  "mail-from": { type: "string" },
  help: { type: "boolean" },
} as const;

export const usage = `npm start -- [OPTION]…

  --data DIR             where the data are (.data in this folder)
  --keys DIR             where the keys are (beside the data; put them on another disk)
  --host ADDRESS         where to listen (127.0.0.1: this machine only)
  --https-port N         8443; 0 takes a free one
  --mqtts-port N         8883; 0 takes a free one
  --client-certificate-port N  HTTPS that asks for a client certificate, the proof of a bound credential; none without it
  --udp-port N           frames of devices that pay by the byte, as datagrams; none without it
  --tcp-port N           the same over TCP without TLS; none without it
  --database-url URL     a PostgreSQL of your own instead of the embedded one; the URL is its owner's
  --keyring-url URL      another PostgreSQL for the keys
  --public-name NAME     a name that clients use, into the certificate (repeatable)
  --tls-cert FILE --tls-key FILE   your own certificate instead of the built-in authority; watched for changes
  --security-contact URI  for /.well-known/security.txt
  --max-message BYTES    the largest MQTT packet or HTTP body (1048576)
  --max-connections-per-address N  from one address, or one /64 of IPv6 (60000)
  --max-connection-rate-per-address N  new ones in a second from one address; others wait (1000)
  --when-full drop-oldest|refuse-publisher  when what waits for an MQTT session is as much as may: its oldest message
                         goes (drop-oldest), or whoever publishes another is told no (refuse-publisher)
  --factor-reset-after HOURS  how long somebody who lost her second factors waits until they can be removed (72; at
                         least 24)
  --proxy-from ADDRESS   a proxy, or a network of proxies (10.0.0.0/24), whose connections all begin with a header of
                         the PROXY protocol, version 2; its client's address then counts (repeatable)
  --outbound-allow ADDRESS  an address or a network inside the house (10.1.0.0/16) that may be called all the same: there is a
                         provider of single sign-on (repeatable)
  --outbound-ca FILE     certificates (PEM) to trust of whoever is called, beside those that the machine trusts
  --dns-server ADDRESS[:PORT]  who is asked for names of providers and domains, in place of the machine's own (port 53)
  --ready-file FILE      written when everything accepts connections (ready.json in the keys folder)
  --allow-root           started by root, go on as root where no other user can reach the data
  --no-demo              no simulated devices: none are offered, and those that there are do not run
  --backup-to DIR        a sealed backup of the data goes there, again and again, beside what holdfast backup makes; none without it
  --backup-every HOURS   how often, as 24h (24h)
  --backup-keep N        how many stay there (7)
  --telemetry-memory MIB  what readings may take in memory on their way to disk (256); with twice as much, senders wait
  --cold-after DAYS      move readings to the object store when they are so many days old; they are read from there
  --cold-store DIR|URL   that store: a folder, or a bucket of an S3-compatible store: s3://HOST[:PORT]/BUCKET[/PREFIX],
                         asked over HTTPS; inside the house it needs --outbound-allow
  --cold-region NAME     of the bucket (auto)
  --cold-key-id ID       the access key for it
  --cold-secret-file FILE  its secret, in a file that its owner alone can read; or HOLDFAST_COLD_SECRET
  --smtp-url URL         the server that takes mail: smtp://USER@HOST:587 (STARTTLS, which has to succeed) or
                         smtps://USER@HOST:465; without one, links for people go to a file beside the ready file
  --smtp-password-file FILE  its password, in a file that its owner alone can read; or HOLDFAST_SMTP_PASSWORD
  --smtp-ca FILE         what to trust the mail server by, in place of what the system trusts
  --mail-from ADDRESS    whom mail is from: ADDRESS, or "NAME <ADDRESS>"

Each is also HOLDFAST_… in the environment, such as HOLDFAST_HTTPS_PORT. HOLDFAST_KEK holds the key that opens the keyring.
`;

/** @throws Refusal `config.malformed` naming the option. `"help"` when the usage was asked for. */
export function parseConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config | "help" {
  const values = valuesOf(args);
  if (values.help) return "help";
  for (const [name, value] of Object.entries(values)) {
    if ([value].flat().includes("")) throw malformed(`--${name} is empty.`);
  }
  const set = (
    name: Exclude<
      keyof typeof options,
      "public-name" | "proxy-from" | "outbound-allow" | "allow-root" | "no-demo" | "help"
    >,
  ): string | undefined => {
    const text = values[name] ?? environment[`HOLDFAST_${name.toUpperCase().replaceAll("-", "_")}`];
    return text === "" ? undefined : text;
  };
  const data = path.resolve(set("data") ?? defaultData);
  const [tlsCert, tlsKey] = [set("tls-cert"), set("tls-key")];
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw malformed("--tls-cert and --tls-key belong together.");
  return {
    data,
    keys: path.resolve(set("keys") ?? path.join(data, "keys")),
    host: set("host") ?? "127.0.0.1",
    httpsPort: whole(set("https-port"), "--https-port", 8443, 0, 65_535),
    mqttsPort: whole(set("mqtts-port"), "--mqtts-port", 8883, 0, 65_535),
    clientCertificatePort: port(set("client-certificate-port"), "--client-certificate-port"),
    udpPort: port(set("udp-port"), "--udp-port"),
    tcpPort: port(set("tcp-port"), "--tcp-port"),
    databaseUrl: set("database-url"),
    keyringUrl: set("keyring-url"),
    kek: environment["HOLDFAST_KEK"] || undefined,
    publicNames: values["public-name"] ?? listIn(environment["HOLDFAST_PUBLIC_NAME"]),
    readyFile: absolute(set("ready-file")),
    tlsCert: absolute(tlsCert),
    tlsKey: absolute(tlsKey),
    securityContact: set("security-contact"),
    maximumMessage: whole(set("max-message"), "--max-message", 1024 * 1024, 1024, 256 * 1024 * 1024),
    maximumConnectionsPerAddress: whole(
      set("max-connections-per-address"),
      "--max-connections-per-address",
      60_000,
      1,
      10_000_000,
    ),
    maximumConnectionRatePerAddress: whole(
      set("max-connection-rate-per-address"),
      "--max-connection-rate-per-address",
      1_000,
      1,
      1_000_000,
    ),
    whenFull: whenFullIn(set("when-full")),
    factorResetAfter: whole(set("factor-reset-after"), "--factor-reset-after", 72, 24, 720),
    proxyFrom: (values["proxy-from"] ?? listIn(environment["HOLDFAST_PROXY_FROM"])).map(networkOf("--proxy-from")),
    outboundAllow: (values["outbound-allow"] ?? listIn(environment["HOLDFAST_OUTBOUND_ALLOW"])).map(
      networkOf("--outbound-allow"),
    ),
    outboundCa: absolute(set("outbound-ca")),
    dnsServer: dnsServerIn(set("dns-server")),
    allowRoot: values["allow-root"] ?? ["1", "true"].includes(environment["HOLDFAST_ALLOW_ROOT"] ?? ""),
    offersDemo: !(values["no-demo"] ?? isOn(environment["HOLDFAST_NO_DEMO"], "HOLDFAST_NO_DEMO")),
    backups: backupsIn({ to: absolute(set("backup-to")), every: set("backup-every"), keep: set("backup-keep") }),
    telemetryMemory: whole(set("telemetry-memory"), "--telemetry-memory", 256, 16, 65_536) * 1024 * 1024,
    cold: coldIn({
      after: set("cold-after"),
      store: set("cold-store"),
      region: set("cold-region"),
      keyId: set("cold-key-id"),
      secretFile: absolute(set("cold-secret-file")),
      secret: environment["HOLDFAST_COLD_SECRET"] || undefined,
    }),
    mail: mailIn({
      url: set("smtp-url"),
      isUrlTyped: values["smtp-url"] !== undefined,
      password: environment["HOLDFAST_SMTP_PASSWORD"] || undefined,
      passwordFile: absolute(set("smtp-password-file")),
      caFile: absolute(set("smtp-ca")),
      from: set("mail-from"),
    }),
  };
}

type BackupOptions = Readonly<Record<"to" | "every" | "keep", string | undefined>>;

function backupsIn({ to, every, keep }: BackupOptions): Config["backups"] {
  if (to === undefined) {
    if (every === undefined && keep === undefined) return undefined;
    throw malformed("--backup-every and --backup-keep need --backup-to.");
  }
  const hours = whole(every?.replace(/h$/, ""), "--backup-every, in hours such as 24h,", 24, 1, 8_760);
  return { to, every: hours * 3_600_000, keep: whole(keep, "--backup-keep", 7, 1, 10_000) };
}

/** What decides where the keys are. */
export const keysOption = ({ data, keys }: Pick<Config, "data" | "keys">): string =>
  keys === path.join(data, "keys") ? "--data" : "--keys";

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (cause) {
    throw new Refusal("config.malformed", {
      cause,
      detail: `${cause instanceof Error ? firstSentence(cause.message) : ""} npm start -- --help lists them all.`,
    });
  }
}

/** Node goes on about arguments that are no options, of which there are none here. */
const firstSentence = (text: string): string => text.replace(/\.( .*)?$/s, "") + ".";

/** Several, as the environment writes them. */
const listIn = (text: string | undefined): readonly string[] => text?.split(",").filter((one) => one !== "") ?? [];

const networkOf =
  (option: string) =>
  (text: string): Network => {
    const read = parseNetwork(text.trim());
    if (typeof read === "string") throw malformed(`${option} ${text}: ${read}.`);
    return read;
  };

function dnsServerIn(text: string | undefined): Config["dnsServer"] {
  if (text === undefined) return undefined;
  if (isIP(text) !== 0) return { address: text, port: 53 };
  const [, six, four, number] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const address = six ?? four ?? "";
  if (isIP(address) === 0)
    throw malformed("--dns-server is an address such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353.");
  return { address, port: whole(number, "--dns-server", 53, 1, 65_535) };
}

function whenFullIn(text = "drop-oldest"): Config["whenFull"] {
  if (text === "drop-oldest") return "dropOldest";
  if (text === "refuse-publisher") return "refusePublisher";
  throw malformed("--when-full is drop-oldest or refuse-publisher.");
}

const absolute = (file: string | undefined): string | undefined =>
  file === undefined ? undefined : path.resolve(file);

/** An option without a value, as the environment writes it. */
function isOn(text: string | undefined, name: string): boolean {
  if (text === undefined || ["", "0", "false"].includes(text)) return false;
  if (["1", "true"].includes(text)) return true;
  throw malformed(`${name} is true or false.`);
}

function whole(text: string | undefined, name: string, otherwise: number, least: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw malformed(`${name} is a whole number from ${least} to ${most}.`);
  return value;
}

const port = (text: string | undefined, name: string): number | undefined =>
  text === undefined ? undefined : whole(text, name, 0, 0, 65_535);

const malformed = (detail: string): Refusal => new Refusal("config.malformed", { detail });
