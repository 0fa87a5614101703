const count = (devices: number): string => (devices === 1 ? "one device" : `${devices} devices`);

// The roots that devices trust, and going over from one to the next.
export const roots = {
  lead: "A device reaches the platform by a root that it trusts. Before the platform goes over to the next one, this tells which devices would be cut off.",
  label: "Roots that devices trust",
  stage: "Stage",
  stages: {
    current: "current: signs what the platform shows",
    coming: "coming: takes its place",
    spare: "spare: for an emergency",
  },
  since: "Good since",
  until: "Good until",
  take: "Download",
  takeAll: "Download all of them (ca.pem)",
  takeAllHint: "Embed all of them: a device that has them outlives the next switch and an emergency after it.",

  report: "Who would be cut off",
  to: "If the platform goes over to",
  steps: { coming: "the coming root", spare: "the spare" },
  show: "Show",
  any: "all that would or may be",
  trusts: { behind: "does not trust it", unknown: "has not said" },
  device: "Device",
  isTrusted: "Trusts that root",
  has: "Trusts",
  said: "Said",
  others: (others: number) => (others === 1 ? "another one" : `${others} others`),
  reportHint:
    "Retired devices, children of gateways and simulated devices are not counted. A device of our package says by itself what it trusts; others by a message at me/roots.",
  allReady: "Every device that has to trusts it: a switch would cut nobody off here.",
  noneSo: "No device is like that.",
  toInstance: "Go over to another root",

  instanceLead:
    "One set of roots for all organisations. Which devices would be cut off their organisations see; here is how many.",
  version: "Version of the bundle",
  byItself: "Goes over by itself",
  spareKey: "The spare’s key",
  spareHere: "in the keyring; to keep it elsewhere: holdfast keys take-spare",
  spareAway: "kept elsewhere",
  bringSpare: "The spare’s key is kept elsewhere. Bring it back first: holdfast keys bring-spare.",
  ready: "Trust it",
  behind: "Do not trust it",
  unknown: "Have not said",
  titles: { coming: "To the coming root", spare: "To the spare" },
  go: { coming: "Go over to the coming root", spare: "Go over to the spare" },
  warning: (devices: number) =>
    devices === 0 ? "No device would be cut off" : `${count(devices)} would or may be cut off`,
  warningHint:
    "Whoever trusts only the old root does not reach the platform any more, and learns of no other. Wait until they have said that they trust it, unless these may be lost.",
  forGood:
    "For good: the old root’s key is dropped. Connections stay open; whoever comes anew has to trust the new root.",
  spareHint: "Every root of before is past, the coming one too. A next one and another spare are made.",
  typed: { coming: "coming", spare: "spare" },
  cutOff: (devices: number) => `cut off ${devices}`,
  done: "The platform went over to another root",
  doneHint: "Make a copy of the keys now (holdfast keys backup), and destroy older ones: they have the old root. It is",
  organisations: "Organisations with devices that would be cut off by the coming root",
  organisation: "Organisation",
  noOrganisations: "No organisation has a device that would be cut off by the coming root.",
  which: "Which devices",
};
