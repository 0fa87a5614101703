// What somebody signs in with by her device alone, and what becomes of it when it is lost.
export const passkeys = {
  title: "Passkeys",
  lead: "A key in your phone, computer or security key that signs you in by itself, on this page alone. It cannot be phished, and there is nothing to type.",
  none: "You have none. With one, your password alone no longer signs you in.",
  unnamed:
    "This browser makes none here: open the console by a name instead of an address, in a browser of the last years.",
  name: "Name",
  nameHint: "So that you know later which one it is: Laptop, Phone, Key on the ring.",
  usualName: "Passkey",
  add: "Add a passkey",
  addTitle: "A new passkey",
  addHint: "Your browser asks where it is to be kept, and who you are: by your finger, your face or a PIN.",
  site: "Good at",
  made: "Made",
  used: "Last used",
  never: "never",
  backedUp: "also in its maker’s cloud",
  copied: "Copied: opens nothing any more",
  rename: "Rename",
  renameTitle: (name: string) => `What ${name} is called`,
  remove: "Remove",
  removeTitle: (name: string) => `Remove ${name}?`,
  removeHint: "It opens nothing from then on. Wherever else you are signed in, you no longer are.",
  actions: (name: string) => `Of ${name}`,
  list: "Your passkeys",
  alone: "You have no password: a passkey is your only way in. Keep at least two, in different places.",
  removePassword: "Remove your password",
  removePasswordTitle: "Sign in with passkeys alone?",
  removePasswordHint:
    "There is no password to guess or to give away then. Whoever loses all passkeys gets in by a link for a new password, and, after a wait, with the help of whoever runs this platform. Wherever else you are signed in, you no longer are.",
  spare: "Each stands in for a passkey once, beside your password: for the day on which you lose it.",
};

/** Of the letter that says that second factors are to go. */
export const callOff = {
  title: "Keep your second factors",
  lead: "The administrator of the platform was asked to remove what you show beside your password. If that was not you, keep it.",
  keep: "Keep them",
  otherwise: "Then change your password: somebody may know it.",
  done: "They stay. Change your password: whoever asked for this may know it.",
  noLink: "Open the link of the letter that you were sent.",
  out: "To the console",
};

/** The same, where she is signed in, and as the administrator of the instance sees it. */
export const factorReset = {
  waiting: "Your second factors are to be removed",
  waits: "The administrator of the platform was asked for it. They go when you sign in with your password alone, from",
  keep: "Keep them",
  title: "Second factors that are to go",
  lost: "Lost",
  lead: "Whoever lost all that she shows beside her password, recovery codes too, gets it removed after a wait. She and the owners of her organisations are told by mail, and can object.",
  due: "when she signs in with her password, from",
  begin: "Remove after the wait",
  beginTitle: (email: string) => `Has ${email} lost her second factors?`,
  beginHint:
    "Make sure by another way that it is she who asks. Nothing is removed before the wait is over, and then only when she signs in with her password.",
  callOff: "Call it off",
};
