import { writeFileSync } from "node:fs";
import { newKeyAndRequest, type Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Hindrance, Misuse, systemCode } from "../failure.ts";
import { orRemoved, putNewKey, readWhole } from "../own-files.ts";
import { duration, file, idOf, optional, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";
import { conditionsOf, howHeld } from "./held.ts";

type Certificate = Reply<typeof routes.issueCertificate>;
type Authority = Reply<typeof routes.listCertificateAuthorities>["items"][number];

const rows = ({ id, serial, certificateAuthority, notAfter }: Certificate, { print }: Tools): [string, string][] => [
  ["credential", id],
  ["serial", serial],
  ["issued by", certificateAuthority],
  ["good until", print.at(notAfter)],
];

/** The request that there is, or one of a key that is made for it; its file is gone again where no certificate came of it. */
async function withRequest<T>(
  { csr, "new-key": coming }: { readonly csr: string | undefined; readonly "new-key": string | undefined },
  { world }: Tools,
  issue: (request: string) => Promise<T>,
): Promise<T> {
  if (csr !== undefined && coming === undefined) return issue(await readWhole(csr, "--csr", world.in));
  if (csr !== undefined || coming === undefined)
    throw new Misuse("Give --csr for a request that there is, or --new-key to make a key here: one of them.");
  const made = await newKeyAndRequest();
  putNewKey(coming, made.key);
  return orRemoved(coming, () => issue(made.csr));
}

function write(name: string, pem: string): void {
  try {
    writeFileSync(name, pem);
  } catch (error) {
    throw new Hindrance(`${name} cannot be written (${systemCode(error) ?? "unknown"}).`, { cause: error });
  }
}

/** As text the certificates themselves, for a file or a pipe. */
function show(certificate: Certificate, out: string | undefined, tools: Tools): void {
  const { print } = tools;
  if (out !== undefined) write(out, certificate.certificate);
  if (out !== undefined || print.isJson) return print.thing(certificate, rows(certificate, tools));
  print.page(certificate.certificate.trimEnd());
  print.note(`Credential ${certificate.id}, good until ${print.at(certificate.notAfter)}.`);
}

const out = optional(file, "put the certificate into this file");

export const issuedVerbs = [
  verb({
    name: "device certificate",
    summary: "Issue a client certificate to a device, by the organisation's own authority",
    examples: ["device certificate dev_… --new-key pump.pem --out pump.crt", "device certificate dev_… --csr pump.csr"],
    arguments: { device: required(idOf("device"), "which device") },
    flags: {
      csr: optional(file, "a certificate request (PKCS #10) in PEM, of a key of P-256 or Ed25519; - reads stdin"),
      "new-key": optional(file, "make a key and a request, and put the private key into this new file"),
      out,
      valid: optional(duration, "how long the certificate is good: 90d; 398d at most"),
      expires: optional(duration, "when its credential ends, whatever certificates it got meanwhile"),
      name: optional(text("NAME"), "what people call it"),
      ...howHeld,
    },
    async run({ device, csr, "new-key": coming, out: named, valid, expires, name, ...given }, tools) {
      const client = await tools.client();
      const wanted = {
        ...conditionsOf(given),
        ...(valid !== undefined && { validFor: valid }),
        ...(expires !== undefined && { expiresIn: expires }),
        ...(name !== undefined && { name }),
      };
      const made = await withRequest({ csr, "new-key": coming }, tools, (request) =>
        client.call(routes.issueCertificate, { params: { device }, body: { csr: request, ...wanted } }),
      );
      show(made, named, tools);
    },
  }),
  verb({
    name: "credential certificate",
    summary: "Show the newest certificate that was issued for a credential",
    arguments: { credential: required(idOf("key"), "which credential") },
    flags: { out },
    async run({ credential, out: named }, tools) {
      const { items } = await (await tools.client()).call(routes.listCertificates, { params: { credential } });
      const [newest] = items;
      if (!newest) throw new Hindrance("No certificate that is good was issued for it.");
      show(newest, named, tools);
    },
  }),
  verb({
    name: "certificate-authority list",
    summary: "List the certificate authorities of your organisation, which issue certificates to devices",
    async run(_, tools) {
      const { print } = tools;
      const reply = await (await tools.client()).call(routes.listCertificateAuthorities);
      const columns = [
        { title: "ID", cell: ({ id }: Authority) => id },
        { title: "ENDS", cell: ({ notAfter }: Authority) => print.ago(notAfter) },
        { title: "SHA-256", cell: ({ sha256 }: Authority) => sha256 },
      ];
      print.list(reply, columns, "There is none: the first is made when a certificate is issued.");
    },
  }),
  verb({
    name: "certificate-authority certificate",
    summary: "Show the certificate of such an authority, in PEM",
    arguments: { authority: required(idOf("certificateAuthority"), "which authority") },
    async run({ authority }, tools) {
      const { items } = await (await tools.client()).call(routes.listCertificateAuthorities);
      const found = items.find(({ id }) => id === authority);
      if (!found) throw new Hindrance("There is no such authority, or none that you may know of.");
      if (tools.print.isJson) return tools.print.thing(found, []);
      tools.print.page(found.certificate.trimEnd());
    },
  }),
  verb({
    name: "certificate-authority end",
    summary: "End such an authority for good, with its key and every certificate that it issued",
    arguments: { authority: required(idOf("certificateAuthority"), "which authority") },
    async run({ authority: certificateAuthority }, tools) {
      await (await tools.client()).call(routes.endCertificateAuthority, { params: { certificateAuthority } });
      tools.print.thing({ certificateAuthority, ended: true }, [["ended", certificateAuthority]]);
    },
  }),
];
