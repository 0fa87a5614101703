// Manufacturers whose devices enrol by their birth certificates.
export const manufacturers = {
  title: "Manufacturers",
  lead: "Devices that come with a birth certificate of one of these (IEEE 802.1AR) enrol by themselves as this product.",
  none: "None yet. Whoever has the key of a manufacturer’s authority can prove it here; then its devices need no enrolment key.",
  add: "Add a manufacturer",
  name: "Name",
  application: "Application",
  authority: "Authority",
  ends: "Ends",
  enrolled: "Devices",
  ofMost: (enrolled: number, most: number | undefined) =>
    most === undefined ? `${enrolled}` : `${enrolled} of ${most}`,
  certificate: "Certificate of the authority",
  certificateHint: "In PEM: of the one that signs the birth certificates themselves.",
  most: "Devices at most",
  mostHint: "Empty: any number.",
  noNumber: "A whole number from 1 to 1,000,000, or nothing.",
  next: "Ask what to sign",
  sign: "Sign this with the authority’s key, within ten minutes",
  signHint: "acme.key is the private key, which stays where it is. OpenSSL 3 writes the signature in base64.",
  command: (text: string) =>
    `printf %s '${text}' > nonce.txt && openssl pkeyutl -sign -rawin -inkey acme.key -in nonce.txt | openssl base64 -A`,
  signature: "Signature",
  prove: "Let its devices enrol",
};
