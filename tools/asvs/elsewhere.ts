/** Requirements that no test can prove: why each does not apply, or where it is written. Links are as from docs/. */
export const elsewhere: Readonly<Record<string, string>> = {
  "V6.1.1": "Written: [Guessing](sign-in.md#guessing).",
  "V7.1.1": "Written: [How long somebody stays signed in](sign-in.md#how-long-somebody-stays-signed-in).",
  "V6.1.2":
    "Written: [the words of the surroundings](sign-in.md#passwords) are `holdfast`, her e-mail and its parts, the names of her organisations, and the host.",
  "V6.1.3": "Written: [each way in, and what it is worth](sign-in.md#how-people-sign-in).",
  "V6.4.5":
    "Does not apply: nothing that a person signs in with ends by time. Passwords, passkeys and codes of an app are good until somebody changes that, and she is told.",
  "V7.1.3": "Written: [By an organisation's own provider](sign-in.md#by-an-organisations-own-provider).",
  "V6.5.7":
    "Does not apply: no biometry reaches the platform. A passkey is a key that its device owns, and that device alone looks at a finger or a face.",
  "V6.6.1": "Does not apply: nothing is sent by telephone or SMS.",
  "V6.6.4": "Does not apply: nobody is asked by push notification.",
  "V6.8.3": "Does not apply: providers speak OpenID Connect; SAML is not taken.",
};
