// The place of whoever administers the instance, and an organisation that is stopped.
export const instance = {
  title: "This instance",
  what: "The platform itself, whatever organisations there are.",
  pages: "Pages of the instance",
  tabs: { organisations: "Organisations", people: "People", roots: "Roots" },
  none: "You administer this instance in none of the organisations that let you in now.",
  lead: "How large organisations are and in what state. What they are called and hold is their own: nobody reads it here.",
  organisations: "Organisations",
  noOrganisations: "There is no organisation.",
  made: "Made",
  ends: "Erased",
  plan: "Plan",
  noPlan: "none",
  people: "People",
  devices: "Devices",
  doing: "Stop or delete",
  create: "Make an organisation",
  createHint: "You are its owner, until you invite another one and leave.",
  name: "What it is called",
  suspend: "Suspend",
  suspendHint:
    "At once nobody may anything in it, devices included. What it holds is kept, and its owners see that it is suspended.",
  resume: "Resume",
  delete: "Delete",
  deleteHint:
    "At once nobody but its owners comes in. After seven days everything is erased for ever, unless they or you call it off until then. They are told by mail, where there is a server for it.",
  keep: "Call off",
  confirm: "Confirm",
  confirmHint:
    "It was restored, and who may what in it may be older than what was revoked. Only confirm it if nothing was: else its owners look through it.",
  givePlan: "Give a plan",
  planOf: (org: string) => `The plan of ${org}`,
  planHint: "Its quotas hold at once. Without a plan nothing is bounded.",
};

export const instancePeople = {
  lead: "Everybody who has an account on this platform. What somebody may do is decided in each organisation.",
  label: "People of this instance",
  nobody: "There is nobody.",
  email: "E-mail",
  since: "Since",
  organisations: "Organisations",
  factors: "Second factors",
  factor: { totp: "code", passkey: "passkey" },
  noFactor: "none",
  administers: "Instance",
  administrator: "administrator",
  make: "Make administrator",
  makeHint:
    "This person may make, suspend and delete organisations, give plans, help whoever lost her second factors, and make others administrators, while she is signed in to the organisation that you administer from.",
  unmake: "End",
  unmakeHint: "This person administers the instance no more, at once. She stays a member of her organisations.",
  notMember: "Only a member of the organisation that you administer from can be one. Invite this person there first.",
};

export const unconfirmed = {
  title: (name: string) => `${name} was restored from a backup`,
  why: "Nobody is let in but its owners, and no device is served. The keyring had not heard of this backup, so what was revoked after it may be good again. Shut since",
  what: "Look through who may what: suspend or remove people who should not be here any more, and revoke what should have ended. Then confirm it.",
  people: "People",
  credentials: "Credentials",
  confirm: "Confirm and open",
  hint: "At once devices, programs and people come in again by whatever stands in these lists.",
};

export const stopped = {
  ending: (name: string) => `${name} is being deleted`,
  endingWhy: "Nobody but its owners comes in any more, devices included. Everything is erased for ever",
  callOff: "Call it off",
  callOffHint: "Then everything is as it was: devices, programs and people come in again by what they have.",
  suspended: (name: string) => `${name} is suspended`,
  suspendedWhy:
    "Whoever administers this platform suspended it. Nobody may anything in it, devices included; what it holds is kept. Ask there.",
};
