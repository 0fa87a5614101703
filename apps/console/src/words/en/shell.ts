// What stands around every page, the search, and the first page.
export const shell = {
  navigation: "Places of this organisation",
  openMenu: "Open the menu",
  closeMenu: "Close the menu",
  organisation: "Organisation",
  signOut: "Sign out",
  theme: { light: "Use the light theme", dark: "Use the dark theme" },
  times: { local: "Times are local. Show UTC", utc: "Times are UTC. Show local time" },
  gone: (since: string) => `The platform does not answer since ${since}. What you see may be old; trying again …`,
  back: "The platform answers again.",
  simulated: "Everything in this organisation is simulated.",
  simulatedEnds: "Remove it in the settings",
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
  all: (count: number) => `All ${count} in the list`,
  nothing: "Nothing here is called that.",
  count: (count: number) => (count === 1 ? "1 found" : `${count} found`),
};

export const overview = {
  toSimulation: "Or look at the simulated fleet",
  recent: "What happened last",
  noBackup: "The keys have never been backed up.",
  backupHint:
    "Without them nobody can read the data, you included. On the machine that runs the platform: npx holdfast keys backup --out keys.backup. Keep the copy elsewhere.",
};
