// How a credential has to be held to be good.
export const held = {
  bound: "Bound to a key",
  isBound: (kind: string) => `${kind}, bound`,
  boundHint:
    "Whoever shows it has to prove that key too, so that a copied secret is worth nothing. It stays bound for as long as it lives.",
  pinned: "The key that opens alone",
  pinnedHint:
    "Whoever connects with a client certificate of this key is the device: there is no secret. Who signed the certificate, and until when, does not count.",
  whichKey: "To which key",
  binds: {
    none: "None: what it says is enough",
    own: "One that there is",
    new: "A new one, made in this browser",
  },
  newHint: "You download the private key once; it is never sent.",
  paste: "The public key, or a certificate of it",
  pasteHint:
    "In PEM or as a JWK; Ed25519 or P-256. Where OpenSSL has the private one: openssl pkey -in key.pem -pubout",
  faults: {
    private: "That is a private key, which stays where it was made. Paste the public one.",
    unknown: "That is no public key or certificate in PEM, nor a JWK.",
    kind: "That key is of another kind: Ed25519 and P-256 are taken.",
  },
  kindOfKey: "Kind of key",
  thumbprint: "Thumbprint (RFC 7638, SHA-256)",
  fingerprint: "SHA-256 of the certificate",
  certificateHint: "Its key is what counts: another certificate of the same key is as good.",
  privateKey: "The private key",
  takePem: "Download key.pem",
  takeJwk: "Download key.jwk",
  privateKeyHint: "It was made here, is in this page only, and was not sent. Download it now: it cannot be had again.",
  use: "How it is used",
  useBound:
    "Together with a proof of its key: a client certificate of that key, or a signature in each request, which the command makes.",
  usePinned: "By a client certificate of its key alone: there is no secret to show.",
  uses: {
    certificate: "A certificate of the key",
    mosquitto: "Over MQTT, with mosquitto",
    curl: "Over HTTPS, with curl and the certificate",
    holdfast: "Over HTTPS, with the command, which signs each request (DPoP)",
  },
  noPort: "Over HTTPS this platform takes no client certificates: it has no port for that (--client-certificate-port).",
  key: {
    title: "Make another key",
    kind: "How the device comes in",
    kinds: {
      device: "With id and secret",
      certificate: "With a client certificate of a key that is pinned",
      issued: "With a client certificate that is issued here",
      socket: "With frames of a direct socket, over UDP or TCP",
    },
    socketHint:
      "Frames are sealed with the secret: docs/sockets.md. The door of the device has to open direct sockets, and the platform has to listen for them (--udp-port, --tcp-port).",
    attributes: "Attributes that numbers stand for, one a line",
    attributesHint:
      "In its CBOR 0 then stands for the first, 1 for the second: names need not travel. Empty: names travel.",
  },
  issued: {
    legend: "The certificate",
    hint: "The organisation’s own authority issues it. It signs the device in alone, for as long as it is good; the device can renew it itself.",
    whichKey: "Of which key",
    binds: { own: "One that the device has", new: "A new one, made in this browser" },
    csr: "The certificate request",
    csrHint:
      "PKCS #10 in PEM, of a key of Ed25519 or P-256. Only its key counts. Where OpenSSL has it: openssl req -new -key key.pem -subj /CN=device",
    noCsr: "That is no certificate request in PEM.",
    days: "Good for days",
    made: "The certificate",
    use: "By this certificate and its key alone: there is no secret to show.",
    take: "Download key.crt",
    takeAuthority: "Download its authority",
    until: "Good until",
    serial: "Serial number",
    by: "Issued by",
  },
};
