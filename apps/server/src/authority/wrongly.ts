/** What was wrong with something that was shown for a credential that is known, as whoever may see its device reads it. */
export const wrongly = {
  "no secret": { code: "credential.invalid", toWatchers: "The key is known, and no secret came with it." },
  "a secret that is none": {
    code: "credential.invalid",
    toWatchers: "The key is known, the secret is wrong: it was mistyped or cut off.",
  },
  "a wrong secret": {
    code: "credential.invalid",
    toWatchers: "The key is known, the secret is wrong: it is another one's.",
  },
  "a token that its row does not know": {
    code: "credential.invalid",
    toWatchers: "The token is known, and is not the one that was made here.",
  },
  "no proof": {
    code: "proof.required",
    toWatchers:
      "The credential is bound to a key, and came without the proof: the device does not sign, or somebody else has its secret.",
  },
  "the certificate of another key": {
    code: "proof.required",
    toWatchers:
      "The credential is bound to a key, and came with a client certificate of another one: the device holds the wrong key, or somebody else has its secret.",
  },
  "a certificate that was not issued here": {
    code: "credential.invalid",
    toWatchers:
      "The certificate has the number of this device's, and was not issued by the organisation's authority: somebody forged it, or the authority was ended.",
  },
  "a certificate that is over": {
    code: "credential.invalid",
    toWatchers: "The device came with a certificate that is over. Issue another one.",
  },
  "a certificate of later": {
    code: "credential.invalid",
    toWatchers: "The device came with a certificate that is not good yet, by the platform's clock.",
  },
  "a birth certificate that is none": {
    code: "credential.invalid",
    toWatchers:
      "The certificate was signed by the manufacturer's authority, and is no birth certificate of a device: it names no serial number, is an authority's or for something else, or is signed or keyed too weakly.",
  },
  "a birth certificate that is over": {
    code: "credential.invalid",
    toWatchers: "The birth certificate of the device, or that of its manufacturer's authority, is over.",
  },
  "a birth certificate of later": {
    code: "credential.invalid",
    toWatchers:
      "The birth certificate of the device, or that of its manufacturer's authority, is not good yet, by the platform's clock.",
  },
  "a wrong proof": {
    code: "proof.invalid",
    toWatchers:
      "The credential is bound to a key, and the proof was made with another, for another connection or request, or was shown before.",
  },
  "a proof of another time": {
    code: "proof.invalid",
    toWatchers: "The proof is of the key, and says a time that is more than five minutes from the platform's.",
    detail: "It says a time (iat) that is more than five minutes from the platform's: set the clock of this machine.",
  },
} as const;

/** What whoever has shown that a key is his is told beside the code. */
export function detailOf(because: keyof typeof wrongly): { readonly detail?: string } {
  const one = wrongly[because];
  return "detail" in one ? { detail: one.detail } : {};
}
