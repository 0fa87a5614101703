// A person's own account.
export const account = {
  title: "Your account",
  pages: "Pages of your account",
  tabs: { signingIn: "Signing in", sessions: "Sessions", organisations: "Organisations" },
  toOrganisations: (count: number) => (count === 1 ? "To your organisation" : "To your organisations"),
  organisations: {
    lead: "Where you belong. Your account is of none of them, and stays yours when you leave.",
    as: (role: string) => `You are ${role}.`,
    ends: "It is being deleted, and is gone at",
    leave: "Leave",
    leaveHint:
      "Your membership ends within a second, and with it what you and your programs hold there, and whom you invited. To come back somebody has to invite you.",
  },
  demanding: {
    title: "What your organisations demand",
    lost: "You have lost an organisation until you have what it demands",
    demands: { second: "demands a second factor", passkey: "demands a passkey" },
    from: "from",
    lacks: (code: string | undefined) => {
      if (code === "factor.demanded") return ": you have none";
      return code === "factor.unshown" ? ": you did not show it when you signed in" : "";
    },
    unshown: "Sign in again with what is demanded, and you are in.",
  },
  sessions: {
    lead: "Browsers that are signed in to your account. Nobody is asked where on a map an address is: see whether you know the program and the time.",
    current: "The one you are using",
    currentHint: "Signing out ends it.",
    isNew: "First time with this browser",
    where: "Where it is good",
    until: "signed out there, if nothing more is asked,",
    end: "End",
    endOthers: "End all others",
    endOthersHint: (count: number) => `${count} sessions end at once, with every page that is open by them.`,
  },
  twoStep: {
    title: "Codes of an authenticator app",
    lead: "Whoever has your password gets in no more without the app in your hand.",
    off: "Off: your password alone lets you in.",
    offBesidePasskeys: "Off. A passkey of yours is asked for beside your password.",
    since: "On since",
    left: (count: number) =>
      count === 1 ? "One recovery code is left" : `${count === 0 ? "No" : count} recovery codes are left`,
    few: "Make new ones before they are used up.",
    begin: "Set up",
    replace: "Use another app",
    renew: "New recovery codes",
    remove: "Turn off",
    dialog: "Set up codes",
    scan: "Scan this with the app, or type the text into it.",
    picture: "The secret as a picture",
    secret: "The secret as text",
    code: "The code that the app shows now",
    confirm: "Turn on",
    replaced: "The app that you use now shows nothing that is good any more.",
    codesTitle: "Your recovery codes",
    codes:
      "Each stands in for the app once. Keep them where you keep important papers, not beside the password: without the app and without these it takes days until somebody lets you in.",
    codesName: "Ten recovery codes",
    renewTitle: "New recovery codes",
    renewHint: "The ones that you have now are worth nothing from then on.",
    removeTitle: "Turn codes off",
    removeHint: "Your password alone lets you in then. Your recovery codes go as well.",
    removeLoses: (names: string) =>
      `You lose ${names} until you have a second factor again, and all that you hold there.`,
  },
};
