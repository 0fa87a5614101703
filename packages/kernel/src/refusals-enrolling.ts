/** Why a device may not enrol, or not be enrolled so. As in `refusal.ts`: append only. */
export const enrolling = {
  "key.shared": "This key is another device's already. Make a new pair of keys on each device.",
  "enrolment.label": "There is no such label here, or none that this credential enrols devices into.",
  "enrolment.exhausted": "This key has enrolled as many devices as it may. Make another one.",
  "enrolment.ended":
    "This birth certificate is of a device that was retired here, or whose credential was revoked, and brings it back no more. Make a device by hand, if it is to come back.",
  "secret.known":
    "This secret is a default that others know. Give each device one of its own, or none: then the platform makes one.",
  "secret.weak":
    "This secret can be guessed. Give each device one that was made at random, or none: then the platform makes one.",
  "secret.shared": "This secret is, or was, another device's. Give each device one of its own.",
  "manufacturer.certificate":
    "This is no certificate of an authority that can be taken. Give, in PEM, that of the one which signs the birth certificates themselves.",
  "manufacturer.unproved":
    "The key of this certificate did not sign that nonce for this organisation, or the nonce was used or is over. Ask for another one, and sign its text.",
  "manufacturer.exists": "Devices of this manufacturer enrol as this product already. Revoke that credential first.",
  "manufacturer.tooMany": "An organisation has at most a hundred manufacturers whose devices enrol. Revoke one first.",
} as const;
