import { inWords } from "./forms.ts";

// What is weak about devices: a few words for a list, a title, what it means, and what to do here. The command says the same in its own words.
export const posture = {
  title: "Posture of the devices",
  lead: "What is weak, the worst first. Each leads to the devices that have it, and their pages say what to do.",
  finding: "Finding",
  anyFinding: "any",
  devices: "Devices",
  fix: "What to do",
  well: (well: number, total: number) =>
    `${inWords(well)} of ${inWords(total)} ${total === 1 ? "device" : "devices"} without a finding.`,
  places: { access: "Access", certificates: "Certificates", live: "Live", twin: "Twin" },
  findings: {
    plain: {
      mark: "plain text",
      title: "Anybody can send in its name",
      says: "Its door takes plain text from a direct socket: nobody vouches for it, and whoever is on the way reads along.",
      fix: "Once it seals its frames, leave the direct socket to these alone, in its door. What else its door says stays.",
    },
    shared: {
      mark: "shared secret",
      title: "Two seem to use what it signs in with",
      says: "Another device has the same key, or two connections by one credential keep coming from different addresses.",
      fix: "Give each a key of its own, then revoke the one that both have. Usage shows from where it came.",
    },
    listening: {
      mark: "open ports",
      title: "It reports ports that it listens on",
      says: "Whoever reaches its network can speak to it past its door.",
      fix: "Close them: a device only ever connects outwards. Its twin says which they are.",
    },
    oldTls: {
      mark: "TLS 1.2",
      title: "It came last over TLS 1.2",
      says: "Its key exchange protects nothing from a quantum computer to come.",
      fix: "Give it a client with TLS 1.3, then ask for that in its door.",
    },
    classical: {
      mark: "classical keys",
      title: "It came last with a classical key exchange",
      says: "What is recorded today may be read by a quantum computer to come.",
      fix: "Give it a client whose TLS offers X25519MLKEM768, as OpenSSL does from 3.5 on.",
    },
    certificateEnding: {
      mark: "certificate ends",
      title: "The last of its certificates ends soon",
      says: "It does not come in with one that is over.",
      fix: "Let it renew, or issue another.",
    },
    oldSecret: {
      mark: "old secret",
      title: "A secret or key of it is old",
      says: "It is older than the organisation wants them to be. Security says how old that is.",
      fix: "Make another key, put it into the device, then revoke the old one; a secret can be rotated.",
    },
    silent: {
      mark: "silent",
      title: "It has ceased to send",
      says: "No reading has come for two of its reporting intervals.",
      fix: "See whether what it sends is refused.",
    },
    neverSeen: {
      mark: "never seen",
      title: "Nothing has ever come from it",
      says: "What it signs in with may be anywhere.",
      fix: "Connect it, and see what it meets. If nobody needs it, retire it.",
    },
    defaultDoor: {
      mark: "open door",
      title: "Nobody has narrowed its door",
      says: "It takes every transport but direct sockets, from anywhere, at any hour.",
      fix: "Say what it needs: in its door, or in that of its product for all like it.",
    },
  },
};
