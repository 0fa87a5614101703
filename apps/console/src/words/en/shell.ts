// What stands around every page, the search, and the first page.
export const shell = {
  navigation: "Places of this organisation",
  openMenu: "Open the menu",
  closeMenu: "Close the menu",
  organisation: "Organisation",
  person: (email: string) => `You are ${email}`,
  account: "Your account",
  instance: "This instance",
  refuses: (name: string) => `${name} (does not let you in)`,
  toOrganisations: (count: number) => (count === 1 ? "To your organisation" : "To your organisations"),
  signOut: "Sign out",
  theme: { light: "Use the light theme", dark: "Use the dark theme" },
  times: { local: "Times are local. Show UTC", utc: "Times are UTC. Show local time" },
  gone: (since: string) => `The platform does not answer since ${since}. What you see may be old; trying again …`,
  back: "The platform answers again.",
  raised: (count: string) => `${count} that nobody sees to`,
  simulated: "Everything in this organisation is simulated.",
  simulatedEnds: "Remove it in the settings",
};

/** In place of the pages of an organisation. */
export const barred = {
  title: (name: string) => `${name} does not let you in`,
  demands: {
    second: "This organisation demands that its people have a second factor beside their password.",
    passkey: "This organisation demands that its people sign in with a passkey.",
  },
  why: {
    "factor.demanded":
      "You have none yet, so nothing here opens: not this page, and not your operator keys and tokens. They are all good again as soon as you have one.",
    "provider.required": "It lets people with an address like yours in by its own sign-in alone.",
    "factor.unshown": "You have one, and did not show it when you signed in. Sign in again with it.",
  },
  signedOut: "You are not signed in to it any more. Sign in again.",
  enrol: "Add one to your account",
  kept: "Your account and your other organisations are not touched.",
  coming: {
    second: "This organisation will demand a second factor of its people",
    passkey: "This organisation will demand a passkey of its people",
  },
  from: "From then on nothing of it opens for whoever has none:",
  look: "Look at what you have",
};

export const search = {
  title: "Search",
  keys: "Ctrl-K, or ⌘K",
  label: "Search in this organisation",
  example: "A name, an id, floor=3, or what to do",
  results: "What was found",
  recent: "Opened last",
  credentials: "Credentials",
  places: "Places",
  actions: "Actions",
  alertRules: "Rules of alerts",
  webhooks: "Webhooks",
  all: (count: number) => `All ${count} in the list`,
  nothing: "Nothing here is called that.",
  count: (count: number) => (count === 1 ? "1 found" : `${count} found`),
};

export const overview = {
  toSimulation: "Or look at the simulated fleet",
  recent: "What happened last",
  staleBackup: {
    erasure: "The copy of the keys is from before something was erased, and still opens it.",
    age: "The copy of the keys is older than 30 days.",
  },
  noDataBackup: "The data have never been backed up.",
  dataBackupHint:
    "On the machine that runs the platform, while it serves: npx holdfast backup DIR; or start it with --backup-to DIR, and it makes one every day. What it writes is sealed; keep it elsewhere, and apart from the copy of the keys.",
  full: "The disk of the platform is almost full: nothing new is taken.",
  fullHint:
    "Readings and most changes are refused, and what is there can be read. Once whoever runs the machine has made room on the disk of the data, all goes on by itself.",
  moveHeldUp: "Old readings cannot be moved to the object store.",
  moveHeldUpHint:
    "They stay in the database, and are moved once it takes them. The log of the platform says why it does not.",
  lateBackup: "The backup of the data is late.",
  lateBackupHint: "The log of the platform says why none could be made.",
  noBackup: "The keys have never been backed up.",
  backupHint:
    "Without them nobody can read the data, you included. On the machine that runs the platform: npx holdfast keys backup --out keys.backup. Keep the copy elsewhere.",
};
