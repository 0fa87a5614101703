/** Why a program that somebody lets in by a short code (RFC 8628) may have to wait, or may not come. As in `refusal.ts`: append only. */
export const programs = {
  "activation.waiting": "Nobody has let this program in yet. Ask again after the interval.",
  "activation.tooSoon": "This program asked too soon. Wait five seconds longer between two questions from now on.",
  "activation.refused":
    "This program was refused, or whoever let it in has lost her place meanwhile. Begin anew if that was a mistake.",
  "activation.expired": "Nobody let this program in within ten minutes. Begin anew.",
  "activation.unknown":
    "This code is used, expired or mistyped. Begin anew where the program runs, and type what it shows.",
  "program.unknown":
    "No program is known by this client_id. Take holdfast-command, or give your program a token of its own.",
  "program.asksOtherwise":
    "Tokens are given for a device code and nothing else here. Ask with grant_type=urn:ietf:params:oauth:grant-type:device_code.",
} as const;
