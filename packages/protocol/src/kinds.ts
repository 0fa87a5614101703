import { allActions, actions, type Action } from "./actions.ts";

/** What is shown to get in. Each is a preset of one primitive. On the wire: append only. */
export type CredentialKind =
  | "operator"
  | "apiToken"
  | "trustedApplication"
  | "accessKey"
  | "application"
  | "applicationUser"
  | "device"
  | "certificate"
  | "session"
  | "socket"
  | "dashboardLink"
  | "enrolment";

/** What a kind of credential is a preset of: what it can hold at most, whatever it is granted, and how it is shown. */
export type Preset = {
  /** For whoever chooses one; docs/kinds.md is made of these. */
  readonly what: string;
  readonly shown: string;
  readonly actions: readonly Action[];
  /** Where that holds at most. */
  readonly where: string;
  /** Good in pages of other sites' browsers, too, where everybody can read it. */
  readonly isPublic?: true;
  /** Never good where a browser shows it. */
  readonly isKeptFromBrowsers?: true;
};

/** Products are the organisation's, and no application's. */
export const isOfNoApplication = ({ action }: { readonly action: Action }): boolean => action.startsWith("product.");

const about = (...kinds: readonly string[]): readonly Action[] =>
  allActions.filter((action) => kinds.includes(actions[action]));

/** Who the users of an application are, and what is theirs: for its server. */
const ofUsers = (action: Action): boolean => action.startsWith("applicationUser.") || action === "device.bind";

/** An action of a device's own: it is asked about that device alone. */
const ofDevice: readonly Action[] = ["telemetry.write"];

export const presets: Readonly<Record<CredentialKind, Preset>> = {
  operator: {
    what: "Administration of the organisation, within what its maker may do.",
    shown: "`key_….hfs_…`, by programs; never by a browser",
    actions: allActions,
    where: "the organisation",
    isKeptFromBrowsers: true,
  },
  apiToken: {
    what: "Any part of what its maker may do, for a program.",
    shown: "`hf_…`",
    actions: allActions,
    where: "the organisation, or what each grant says",
  },
  trustedApplication: {
    what: "What the server of an application does on its behalf: its devices and what they measure, its users, and products.",
    shown: "`key_….hfs_…`",
    actions: [...about("application", "device"), ...allActions.filter((action) => isOfNoApplication({ action }))],
    where: "its application, and the products of the organisation",
  },
  accessKey: {
    what: "Programs of one application. Its grants may name devices or a tag, and publishing or subscribing alone (`telemetry.write`, `telemetry.read`).",
    shown: "`key_….hfs_…`; over MQTT as user name and password",
    actions: about("application", "device").filter((action) => !ofUsers(action)),
    where: "its application, or what each grant says",
  },
  application: {
    what: "Published with a web page or an app. It signs application users up and in, from the origins that it names, and does nothing else.",
    shown: "`key_….hfp_…`, also in a URL",
    actions: [],
    where: "its application",
    isPublic: true,
  },
  applicationUser: {
    what: "A customer of the organisation's application, signed in.",
    shown: "`hf_…`, for a quarter of an hour; `hfr_…` renews it",
    actions: ["device.read", "telemetry.read"],
    where: "the devices that are bound to the user",
  },
  device: {
    what: "A device: its own tree, and nothing beside it.",
    shown: "`key_….hfs_…`; over MQTT as user name and password",
    actions: ofDevice,
    where: "its device",
  },
  certificate: {
    what: "A device that comes with a client certificate alone, without a secret: one of a key that was pinned, or one that the organisation's own authority issued.",
    shown: "in the TLS handshake, over MQTTS and on the port of `--client-certificate-port`",
    actions: ofDevice,
    where: "its device",
  },
  socket: {
    what: "A device that sends frames over UDP, or over TCP without TLS, where its door opens that.",
    shown: "`hfu_…`, to nobody: it seals or signs each frame",
    actions: ofDevice,
    where: "its device",
  },
  session: {
    what: "A person who signed in with a browser, within her role.",
    shown: "a cookie, by pages of the platform's own",
    actions: allActions,
    where: "the organisation that the page is in",
  },
  dashboardLink: {
    what: "Whoever has the link to a dashboard: sees its pictures, and no more of anything. Within what its maker may read.",
    shown: "in the fragment of a URL, by a page of the platform's own; `key_….hfs_…`",
    actions: ["dashboard.read", "telemetry.read"],
    where: "its dashboard, and the attributes that it shows of the devices that it shows",
  },
  enrolment: {
    what: "Devices that nobody has made known: each brings a key of its own and gets a certificate, by EST. So many as it says, of the product that it says, and nothing else.",
    shown:
      "`key_….hfs_…`, or as user name and password of HTTP Basic, to `/.well-known/est` alone; of a manufacturer, a birth certificate that its authority signed",
    actions: ["device.enrol"],
    where: "its application",
  },
};
