// Signing in, and setting up.
export const session = {
  again: "Sign in again",
  code: "Code",
  codeHint: "Six digits of your authenticator app, or one of your recovery codes.",
  signIn: {
    title: "Sign in",
    email: "E-mail",
    password: "Password",
    submit: "Sign in",
    ended: "Your session has ended. Sign in to go on where you were.",
  },
  passkey: {
    use: "Use a passkey",
    or: "or by e-mail and password",
    declined: "No passkey was shown. Try again, or sign in another way.",
    known: "This device has a passkey of yours for this page already.",
    asked: "The password is right, and this account asks for a passkey of yours. Use it in place of the password.",
  },
  confirmation: {
    title: "Who are you again?",
    why: "Before something that matters the platform asks who is there. You last proved who you are more than ten minutes ago.",
    password: "Your password",
    submit: "Confirm",
    cancelled: "You did not confirm who you are, so nothing was done.",
  },
  setUp: {
    title: "Set up this platform",
    lead: "You are the first: this makes your account and your organisation. The link works once.",
    email: "Your e-mail",
    password: "A password",
    passwordHint: "At least 12 characters. A sentence is good.",
    again: "The password again",
    differs: "The two are not the same.",
    short: "At least 12 characters.",
    org: "Name of your organisation",
    fleet: "Also start a simulated fleet",
    fleetHint:
      "A dozen devices in an organisation of their own, so that there is something to see at once. They come in by the real front door, are marked as simulated, and a button of its settings removes them without a trace.",
    submit: "Set up",
    noLink: "Open the link that the platform printed when it started: it carries the secret that proves you run it.",
  },
};
