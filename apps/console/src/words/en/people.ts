// Members, and how somebody becomes one.
export const people = {
  lead: "Who belongs to this organisation. What somebody and her programs may do ends with her membership, at once.",
  members: "Members",
  nobody: "Nobody belongs to this organisation.",
  email: "E-mail",
  role: "Role",
  factors: "Signs in with",
  passkey: "passkey",
  app: "app",
  passwordAlone: "password alone",
  changeRole: "Change the role",
  change: "Change",
  roleOf: (email: string) => `The role of ${email}`,
  changeRoleHint: "What this person and her programs may do changes at once, also where something stands open.",
  remove: "Remove",
  removeHint:
    "The membership ends within a second, and with it what this person and her programs hold here, and whom she invited. The account and other organisations stay.",
  end: "End or suspend",
  suspend: "Suspend",
  resume: "Let in again",
  suspendHint:
    "Within a second this person is signed out here, and what she and her programs hold ends for good. The role stays: whoever is let in again signs in anew, and makes new keys.",
  yourself: "Nobody removes herself here. You can leave in your account.",
  yourselfSuspended: "Nobody suspends herself: another owner can.",
  administrator: "She administers this instance as a member here. End that first.",
  sessions: {
    head: "Signed in",
    show: "Show",
    showOf: (email: string) => `Show sessions of ${email}`,
    of: (email: string) => `Where ${email} is signed in`,
    lead: "By browsers, in this organisation. What ends here goes on elsewhere, and whoever may sign in may do so again.",
    none: "Nowhere at this moment.",
    until: "until",
    end: "End",
    endAll: "End all",
  },
  invitations: "Open invitations",
  noInvitations: "Nobody is invited.",
  invite: "Invite somebody",
  inviteHint: "This makes a link that works once, and only with this e-mail.",
  works: "The link works for",
  lengths: { "1h": "an hour", "1d": "a day", "7d": "seven days", "30d": "thirty days" },
  linkOf: "The link",
  newLink: "New link",
  newLinkHint: "This makes another link. The one before is worth nothing from then on.",
  makeLink: "Make the link",
  link: "The link",
  handOver: (email: string) => `Give this link to ${email}, and to nobody else: it is sent to nobody.`,
  mailed: (email: string) =>
    `A link is on its way to ${email}. This one works in its place, if you would rather hand it over.`,
  until: "Can be accepted until",
  withdraw: "Withdraw",
};

export const invitation = {
  title: "Accept an invitation",
  lead: "Somebody asked you into an organisation on this platform. The link works once.",
  noLink:
    "Open the whole link that you were sent: the part behind # carries the secret of your invitation, and it is missing here.",
  comer: "You are",
  me: (email: string) => `${email}, who is signed in here`,
  new: "new here",
  known: "here already, with an account",
  emailHint: "The one that was invited.",
  newPasskey: "Come with a passkey",
  newPasskeyHint: "In place of a password: your browser makes one, and then asks for it once.",
  orPassword: "or with a password",
  yourPassword: "Your password",
  submit: "Accept",
  checkEmail:
    "Check that the e-mail is the one that was invited. If it is, ask for a new link; if you have accepted this one before, you are a member.",
  otherEmail:
    "If another e-mail than yours was invited, choose above that you are somebody else. If you have accepted this link before, you are a member.",
  hasAccount: "This e-mail has an account already: choose that above, and give its passkey or its password.",
  wrongPassword:
    "There is no account with this e-mail and this password or passkey, or it belongs to no organisation any more: then come with its passkey, or choose “new here”, with its password.",
  alone:
    "That code was right, and your account belongs to no organisation yet, so it opened nothing, and is used up. Type the next one that your app shows, or another recovery code.",
  joined:
    "You are a member now. The code that you typed is used up: sign in, with the next one that your app shows or another recovery code.",
  signIn: "Sign in",
  out: "To your organisations",
};
