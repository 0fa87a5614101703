/** A folder with one subject. What is outside meets it at its `index.ts`. */
export type Unit = {
  readonly folder: string;
  /** Only the files directly in the folder: the folders below are units of their own. */
  readonly flat?: true;
  /** Imports nothing of ours. */
  readonly alone?: true;
  /** Runs in a browser and on a device too: imports nothing of Node's. */
  readonly portable?: true;
  /** The program that puts everything together: it may take a subject's `routes.ts`, and nobody imports from it. */
  readonly top?: true;
  /** For tests only: nothing that is shipped imports it, and it may import what it likes. */
  readonly forTests?: true;
};

/** A unit may import units on lower lines, and units of its own line as long as that makes no circle. */
export const layers: readonly (readonly Unit[])[] = [
  [{ folder: "packages/kernel", alone: true, portable: true }],
  [
    { folder: "packages/protocol", portable: true },
    { folder: "packages/crypto" },
    { folder: "packages/mqtt", alone: true },
  ],
  [
    { folder: "packages/client" },
    { folder: "packages/device", portable: true },
    { folder: "apps/server/src/outbound" },
    { folder: "apps/server/src/storage/postgres" },
    { folder: "apps/server/src/storage/keyring" },
  ],
  [
    { folder: "packages/device/src/node" },
    { folder: "apps/server/src/storage" },
    { folder: "apps/cli/src" },
    { folder: "apps/console/src/words" },
    { folder: "apps/console/src/api" },
    { folder: "apps/console/src/kit" },
    { folder: "apps/console/src/session" },
    { folder: "apps/console/src/live" },
    { folder: "apps/console/src/naming" },
    { folder: "apps/console/src/revoking" },
    { folder: "apps/console/src/mqtt-sessions" },
    { folder: "apps/console/src/chart" },
    { folder: "apps/console/src/map" },
    { folder: "apps/console/src/commanding" },
    { folder: "apps/console/src/qr" },
    { folder: "apps/console/src/entries" },
    { folder: "apps/console/src/quotas" },
    { folder: "apps/console/src/doors" },
    { folder: "apps/console/src/retention" },
    { folder: "apps/console/src/trying" },
    { folder: "apps/console/src/held" },
  ],
  [
    { folder: "apps/server/src/authority" },
    { folder: "apps/server/src/audit" },
    { folder: "apps/server/src/guessing" },
    { folder: "apps/server/src/live" },
    { folder: "apps/server/src/passkeys" },
  ],
  [
    { folder: "apps/server/src/accounting" },
    { folder: "apps/server/src/tls" },
    { folder: "apps/server/src/identity" },
    { folder: "apps/server/src/instance" },
    { folder: "apps/server/src/application-users" },
    { folder: "apps/server/src/registry" },
    { folder: "apps/server/src/claims" },
    { folder: "apps/server/src/messages" },
    { folder: "apps/server/src/telemetry" },
    { folder: "apps/server/src/simulation" },
    { folder: "apps/server/src/sockets" },
    { folder: "apps/server/src/twins" },
    { folder: "apps/server/src/commands" },
    { folder: "apps/server/src/groups" },
    { folder: "apps/server/src/roots" },
    { folder: "apps/server/src/tasks" },
    { folder: "apps/console/src/overview" },
    { folder: "apps/console/src/devices" },
    { folder: "apps/console/src/device" },
    { folder: "apps/console/src/products" },
    { folder: "apps/console/src/dashboards" },
    { folder: "apps/console/src/alerts" },
    { folder: "apps/console/src/groups" },
    { folder: "apps/console/src/roots" },
    { folder: "apps/console/src/access" },
    { folder: "apps/console/src/audit" },
    { folder: "apps/console/src/usage" },
    { folder: "apps/console/src/settings" },
    { folder: "apps/console/src/entering" },
    { folder: "apps/console/src/providers" },
    { folder: "apps/console/src/invitation" },
    { folder: "apps/console/src/call-off" },
    { folder: "apps/console/src/password" },
    { folder: "apps/console/src/activating" },
    { folder: "apps/console/src/search" },
    { folder: "apps/console/src/shell" },
    { folder: "apps/console/src/account" },
    { folder: "apps/console/src/instance" },
  ],
  [
    { folder: "apps/server/src/single-sign-on" },
    { folder: "apps/server/src/enrolment" },
    { folder: "apps/server/src/dashboards" },
    { folder: "apps/server/src/alerts" },
    { folder: "apps/server/src/backup" },
  ],
  [{ folder: "apps/server/src/listeners" }],
  [
    { folder: "apps/server/src", flat: true, top: true },
    { folder: "apps/console/src", flat: true, top: true },
    { folder: "apps/console", flat: true, top: true },
  ],
  [
    { folder: "tools" },
    { folder: "apps/cli/bin", top: true },
    { folder: "apps/server/src/testing", forTests: true },
    { folder: "tools/seen", forTests: true },
    { folder: "bench", forTests: true },
    { folder: "tests", forTests: true },
    { folder: "examples", forTests: true },
  ],
];

/** The programs: each may import packages, and of the programs only itself. */
export const programs: readonly string[] = ["apps/server", "apps/cli", "apps/console"];

/** Files of the top that only these may import. Settings are read in one place and handed on. */
export const guarded: Readonly<Record<string, readonly string[]>> = {
  "apps/server/src/config.ts": [
    "apps/server/src/main.ts",
    "apps/server/src/keys.ts",
    "apps/server/src/backup-command.ts",
    "apps/server/src/program.ts",
    "apps/server/src/platform.ts",
    "apps/server/src/platform-needs.ts",
    "apps/server/src/places.ts",
    "apps/server/src/outwards.ts",
    "apps/server/src/certificates.ts",
    "apps/server/src/direct-sockets.ts",
    "apps/server/src/connections.ts",
    "apps/server/src/mail.ts",
    "apps/server/src/readings.ts",
    "apps/server/src/banner.",
    "apps/server/src/keys-command.ts",
    "apps/server/src/testing/",
  ],
};

/** Imports that would be refused, each with the reason why it is not. */
export const exceptions: readonly { readonly from: string; readonly to: string; readonly because: string }[] = [
  { from: "apps/cli/bin/holdfast.mjs", to: "tools/install.mjs", because: "the command works in a fresh clone" },
  { from: "tools/first-run.ts", to: "tools/seen/index.ts", because: "it looks at the platform as tests do" },
  { from: "tools/pictures.ts", to: "tools/seen/index.ts", because: "it looks at the platform as tests do" },
  {
    from: "apps/console/src/devices/first-socket.tsx",
    to: "examples/socket.c?raw",
    because: "it hands the encoder out as it stands",
  },
  {
    from: "tools/roles/page.ts",
    to: "apps/server/src/authority/index.ts",
    because: "it writes what that code decides",
  },
];

/** Files that import a name they compute: what they load is not seen here. */
export const computedImports: Readonly<Record<string, string>> = {
  "tools/testing/run-all.ts": "the cluster for tests, which need not exist",
  "tools/testing/together.ts": "the test files it is given, and what the tests of the server close",
  "bench/main.ts": "the benchmark that was asked for, by a list of names",
};

/** Packages that can be entered elsewhere than by `src/index.ts`, as their `exports` say: what runs on one side only. */
export const entrances: Readonly<Record<string, string>> = {
  "@holdfast/client/node": "packages/client/src/node-transport.ts",
  "@holdfast/device/node": "packages/device/src/node/index.ts",
  "@holdfast/device/testing": "packages/device/src/testing/spool.ts",
  "@holdfast/client/testing": "packages/client/src/testing/certificate.ts",
};
