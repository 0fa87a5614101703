// Where people are signed in, and for how long.
const shown: Readonly<Record<string, string>> = {
  password: "password",
  totp: "code",
  recoveryCode: "recovery code",
  passkey: "passkey",
  provider: "the organisation’s provider",
};

export const signedIn = {
  program: ({ name, system }: { name?: string | undefined; system?: string | undefined }) => {
    const what = name ?? "Unknown program";
    return system === undefined ? what : `${what} on ${system}`;
  },
  from: (address: string) => `from ${address}`,
  since: "signed in",
  by: (proofs: readonly string[]) => `by ${proofs.map((proof) => shown[proof] ?? proof).join(" and ")}`,
  used: "last used",
};

export const sessionLimits = {
  title: "How long people stay signed in",
  lead: "In a browser, in this organisation. It holds at once, for pages that are open, too; elsewhere their sessions go on.",
  absolute: "At the longest",
  idle: "When nothing is asked",
  hints: {
    absolute: "From the sign-in on, whatever somebody does: 15 minutes to 48 hours. 12 hours unless you say else.",
    idle: "Since somebody last asked something here: 5 minutes to 48 hours. 2 hours unless you say else.",
  },
  hours: "Hours",
  minutes: "Minutes",
  range: (least: number) => `From ${least} minutes to 48 hours.`,
};
