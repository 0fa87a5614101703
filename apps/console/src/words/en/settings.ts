import type { Demands } from "@holdfast/protocol";
import { isNone, listed, sizeOf, type Connections } from "./forms.ts";

type Demanded = NonNullable<Demands["people"]> & NonNullable<Demands["devices"]>;

const transportWords = {
  plain: "plain text of direct sockets is enough",
  signed: "at least signed",
  sealed: "at least sealed",
  tls: "over TLS, and no direct sockets",
};

// The organisation, what it demands, and how the platform protects what it holds.
export const demands = {
  title: "What the organisation demands",
  lead: "Of all credentials of somebody, at once, for what is open too. What does not meet it is refused for as long as it is demanded; nothing is revoked.",
  whose: "Whose",
  demanded: "Demanded",
  change: "Change",
  parties: { people: "people’s", programs: "programs’", devices: "devices’" },
  titleOf: (whose: string) => `What is demanded of ${whose} credentials`,
  inWords: (
    { bound, greatestAgeDays, leastTls, leastTransport, factor, factorFrom, provider }: Demanded,
    dayOf: (time: string) => string,
  ) =>
    [
      factor
        ? `${factor === "second" ? "a second factor" : "a passkey"}${factorFrom ? ` from ${dayOf(factorFrom)} on` : ""}`
        : "",
      provider ? `by the organisation’s provider, for ${provider.domains.join(", ")}` : "",
      bound ? "bound to a key" : "",
      greatestAgeDays ? `at most ${greatestAgeDays === 1 ? "a day" : `${greatestAgeDays} days`} old` : "",
      leastTls ? (leastTls === "TLSv1.3" ? "over TLS 1.3" : "over TLS 1.2 or 1.3") : "",
      leastTransport ? transportWords[leastTransport] : "",
    ]
      .filter((one) => one !== "")
      .join(", ") || "nothing more",
  factor: "What people need beside their password",
  factorHint:
    "Whoever has none keeps the account and loses this organisation until there is one, with her operator keys and tokens. Whoever signed in without it signs in again.",
  noFactor: "nothing more",
  factors: {
    second: "a second factor: an authenticator app, or a passkey",
    passkey: "a passkey, which cannot be phished",
  },
  from: "From this day on",
  fromHint: "Until then people are told of it. Empty: at once.",
  bound: "They have to be bound to a key",
  boundHint: "Then a secret that was copied is worth nothing. Those that are not bound are refused.",
  boundHintOfPeople: "Of people’s, what a sign-in gave is not asked: somebody can always mend this.",
  age: "Greatest age in days",
  ageHint: "Counted from the last rotation: an older secret is refused until there is another. Empty: any age.",
  tls: "Least TLS",
  tlsHint:
    "What comes over an older one is refused. By what a client comes next is not known: only what is open is told below.",
  anyTls: "any that the platform speaks",
  tlsNames: { "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3" },
  transport: "Least transport",
  transportHint: "Of what devices send, whatever their doors open. With TLS there are no direct sockets.",
  transports: {
    "": "whatever their doors open",
    plain: "plain text",
    signed: "signed frames",
    sealed: "sealed frames",
    tls: "TLS",
  },
  before: "What that would do now",
  beforeThen: "What that would do on that day, as things are now",
  refusesNone: "No credential that is good would be refused.",
  wouldRefuse: (count: number) =>
    count === 1
      ? "One credential that is good would be refused:"
      : `${count} credentials that are good would be refused, among them:`,
  set: "Set it",
  setForLater: "Set it for that day",
  later: "Nobody is refused yet. Until that day everybody whom it concerns is told of it on every page.",
  setAndRefuse: (count: number) =>
    count === 1 ? "Set it, and refuse one credential" : `Set it, and refuse ${count} credentials`,
  notPossible: "This cannot be demanded: see above.",
  wait: "Wait until it is known what that would do.",
  done: "What that did",
  refused: (count: number) =>
    count === 0
      ? "No credential that was good is refused."
      : count === 1
        ? "One credential is refused from now on."
        : `${count} credentials are refused from now on.`,
  cut: (connections: Connections) =>
    isNone(connections) ? "Nothing was connected with them." : `Cut off: ${listed(connections)}.`,
  left: (connections: Connections) =>
    isNone(connections) ? "Nothing that does not meet it is open any more." : `Still open: ${listed(connections)}.`,
};

export const security = {
  lead: "Made from the running configuration of this platform, not from a brochure.",
  secrets: "Secrets of credentials",
  endExposed: "End what was exposed",
  endExposedHint:
    "A credential that stands in a URL or a topic is revoked at once. Otherwise it is flagged, and you are told. Setting this ends nothing now: it is for the next time.",
  oldAfter: "Call a secret old after days",
  oldAfterHint: "Old ones are shown as such, and go on working.",
  endingWithin: "Tell of a certificate so many days before it ends",
  endingWithinHint: "Or when a third of its time is left, if that is less.",
  transport: "On the way",
  minimum: "Oldest TLS",
  groups: "Key exchange",
  suites: "Ciphers",
  listener: (protocol: string) => (protocol === "https" ? "HTTPS" : "MQTT"),
  certificates: "Certificates",
  authorities: {
    title: "Who certifies your devices",
    lead: "Authorities of this organisation’s own. Their keys are sealed here; nothing but this platform has to trust them.",
    none: "There is none: the first is made when a certificate is issued to a device.",
    id: "Authority",
    take: "Download",
    end: "End it",
    endTitle: "End this authority",
    endHint:
      "Every certificate that it issued is over at once, and devices that come by one fall silent. The next certificate is issued by a new authority.",
  },
  what: "What",
  whats: { server: "shown to clients", authority: "to trust" },
  states: { current: "in use", coming: "coming", spare: "spare" },
  since: "Good since",
  until: "Good until",
  keys: "Keys",
  place: "Where they are",
  places: {
    "folder beside the data": "a folder beside the data",
    folder: "a folder elsewhere",
    postgresql: "another PostgreSQL",
  },
  besideData: "The keys lie beside the data",
  besideDataHint:
    "That protects backups and dumps, not the disk: whoever takes it has both. Start with --keys on another disk.",
  mail: "Mail",
  mailBy: "How letters reach people",
  mailWays: { mail: "by a mail server", file: "not at all: no mail is set up" },
  mailWaiting: "Letters that wait",
  mailNone: "No mail is set up",
  mailNoneHint:
    "Nobody proves an address, and nobody hears by mail of what befalls an account. Links for people are in a file beside the ready file. Start with --smtp-url and --mail-from.",
  mailAway: "The mail server takes no letters",
  mailAwayHint: "They are kept, and tried again for three days. The log says why.",
  backedUp: "Last backup of the keys",
  dataBackedUp: "Last backup of the data",
  backupEvery: "Backups of the data",
  backupHours: (hours: number) => (hours === 24 ? "made every day" : `made every ${hours} hours`),
  backupByHand: "made by hand",
  newSince: "Keys made since",
  ofOrganisation: "Key of this organisation",
  root: "Root key of the platform",
  lasting: "Key that wraps those of organisations, people and devices",
  passing: "Key that wraps those of the log",
  notKnown: "not known",
  made: "made",
  madeBefore: "not known exactly: made before",
  dataFolder: "Folder of the data",
  keysFolder: "Folder of the keys",
  limits: "Limits",
  maximumMessage: "Largest message",
  bytes: sizeOf,
  version: "Version",
};

export const settings = {
  name: "Name of the organisation",
  toSecurity: "How this platform protects what it holds",
  toProviders: "Sign-in by a provider of your own",
  deletion: {
    title: "Delete this organisation",
    explanation:
      "At once nobody but its owners comes in any more, devices included. After seven days everything is erased for ever, unless one of the owners calls it off until then. All owners are told by mail, where there is a server for it.",
    button: "Delete the organisation",
  },
  simulation: {
    title: "The simulated fleet",
    button: "Remove the simulated fleet",
    explanation:
      "Its devices fall silent, and this organisation is erased with everything in it, at once and for ever. Your other organisations are not touched.",
  },
};
