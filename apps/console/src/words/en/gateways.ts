// Which device speaks for which.
export const gateways = {
  speaks: "Who speaks for it",
  itself: "It speaks for itself alone: no gateway is bound to it.",
  gateway: "Its gateway",
  gatewayIs: "The gateway is",
  itIs: "It is, by connections of its own",
  heard: "Last heard, of itself or by its gateway",
  bind: "Bind it to a gateway",
  bindOther: "Bind it to another gateway",
  bindHint:
    "A gateway is another device of the same application. It speaks for this one from that moment on, and no other gateway does; its history, twin and commands stay its own.",
  bindOf: (name: string) => `Bind it to ${name}`,
  release: "Release",
  releaseHint: "Released, it is spoken for by nobody but itself, within a second.",
  children: "Its children",
  noChildren:
    "It speaks for no other device. Bind children to it, and it publishes their readings on children/{child}/telemetry.",
  bindChild: "Bind a child",
  bindChildHint:
    "It is spoken for by this gateway from that moment on, and no more by any other. Both doors are asked of what it sends.",
  bindChildOf: (name: string) => `Bind ${name}`,
  child: "Child",
  presence: "Itself",
  seen: "Last heard",
  releaseOf: (name: string) => `Release ${name}`,
};

export const certificates = {
  lead: "Certificates by which the device comes in. Two may be good at the same time: issue another, put it into the device, then revoke the old one.",
  issue: "Issue a certificate",
  empty:
    "It has no certificate. Issue one by the organisation’s own authority, for a key that is made here or a request of the device’s.",
  label: "Certificates",
  credential: "Credential",
  how: "Counts by",
  issued: "our authority",
  pinned: "its key alone",
  serial: "Serial number",
  until: "Ends",
  noEnd: "with its key",
  key: "Key (thumbprint)",
};
