/** What actions are about, by the part of their name before the dot. */
const subjectsOfActions: Readonly<Record<string, string>> = {
  org: "Organisation",
  application: "Applications",
  applicationUser: "Customers",
  product: "Products",
  device: "Devices",
  telemetry: "Telemetry",
  token: "API tokens",
  operatorKey: "Operator keys",
  accessKey: "Access keys",
  credential: "Credentials",
  authority: "Decisions",
  audit: "Audit log",
  member: "People",
  simulation: "Simulation",
  role: "Roles",
  twin: "What is wanted of devices",
  command: "Commands to devices",
};

// What somebody may be.
export const roles = {
  lead: "What somebody may be here. Five are in every organisation; others are your own.",
  builtIn: "in every organisation",
  builtInHint: "It is the same in every organisation, and stays as it is.",
  description: "For",
  add: "Make a role",
  addLead: "A name, and what whoever has it may do, and where.",
  holders: "Who has it",
  nobodys: "Nobody has it.",
  place: (number: number) => `Place ${number}`,
  elsewhere: "Add another place",
  drop: "Leave this place out",
  look: "Show what changes",
  changes: "What changes",
  more: "May be done from now on",
  less: "May not be done any more",
  described: "It has another description.",
  renamed: (from: string, to: string) => `“${from}” is called “${to}”.`,
  effect: (who: string, gains: readonly string[], loses: readonly string[]) => {
    const told = [
      ...(gains.length > 0 ? [`gains ${gains.join(", ")}`] : []),
      ...(loses.length > 0 ? [`loses ${loses.join(", ")}`] : []),
    ];
    return `${who} ${told.join(" and ")}.`;
  },
  noEffect: "For nobody does anything change by that now.",
  end: "End this role",
  endHint: "Nobody has it. Invitations to it are worth nothing from now on.",
  endHeld: (count: number) =>
    `${count === 1 ? "One member has" : `${count} members have`} it, and will be something else at once.`,
  replacement: "What they are from now on",
  subjects: (subject: string) => subjectsOfActions[subject] ?? subject,
};
