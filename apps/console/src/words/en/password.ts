// Passwords that were forgotten, and addresses that are proved.
export const password = {
  chosen: "A new password",
  forgot: "Forgot your password?",
  forgotLead: "A link is sent to your e-mail. With it you choose a new password.",
  send: "Send a link",
  toSignIn: "To the sign-in",
  asked: {
    mail: {
      title: "Look into your mail",
      lead: "If there is an account with this e-mail, a link is on its way. It is good once, for an hour.",
      hint: "Nothing came? Look where unwanted mail goes, and whether it was the right e-mail.",
    },
    file: {
      title: "Ask whoever runs this platform",
      lead: "No mail is set up here. If there is an account with this e-mail, its link is in a file on the platform’s machine.",
      hint: "Whoever runs the platform finds it there and hands it to you. It is good once, for an hour.",
    },
  },
  reset: "Choose a new password",
  resetLead:
    "Wherever you are signed in, you are signed out. Your second factor stays, and is asked for when you sign in.",
  choose: "Use this password",
  done: "You have a new password",
  doneLead: "Wherever you were signed in, you no longer are. Sign in with the new one.",
  noLink: "Open the link that was sent to you: it carries the secret that lets you choose a new password.",
  another: "Ask for another link",
  verify: "Is this your address?",
  verifyLead:
    "Somebody gave the address to which this link was sent as that of an account. Say that it is yours, if it is.",
  verifyIt: "Yes, it is mine",
  verified: "The address is yours",
  verifiedLead: (email: string) => `${email} is proved. Sign in with it.`,
  noVerifyLink: "Open the link that was sent to you: it carries the secret that proves the address.",
  toAccount: "To your account",
};
