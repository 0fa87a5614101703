import { readFileSync, writeFileSync } from "node:fs";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Hindrance, Misuse, systemCode } from "../failure.ts";
import { readNamed } from "../own-files.ts";
import { count, duration, file, idOf, optional, required, text } from "../parameter.ts";
import { verb } from "../verb.ts";
import { conditionsOf, howHeld } from "./held.ts";

type Manufacturer = Reply<typeof routes.listManufacturers>["items"][number];

const application = required(idOf("application"), "into which its devices enrol");
const authority = required(file, "of the authority that signs birth certificates, in PEM");

/** The last word of what was to be signed. @throws Misuse */
function nonceIn(named: string): string {
  const [nonce] = /[0-9a-f]{64}$/.exec(readNamed(named, "--nonce").trim()) ?? [];
  if (nonce === undefined) throw new Misuse(`--nonce: ${named} is not what "manufacturer ask" wrote.`);
  return nonce;
}

/** As openssl writes it. @throws Misuse */
function signatureIn(named: string): string {
  try {
    return readFileSync(named).toString("base64");
  } catch (error) {
    throw new Misuse(`--signature: ${named} cannot be read (${systemCode(error) ?? "unknown"}).`, { cause: error });
  }
}

export const manufacturerVerbs = [
  verb({
    name: "manufacturer ask",
    summary: "Ask what a manufacturer's authority has to sign, before its devices may enrol (docs/enrolment.md)",
    flags: { application, authority, out: required(file, "put what is to be signed into this file") },
    examples: ["manufacturer ask --application app_… --authority acme.pem --out nonce.txt"],
    async run({ application: into, authority: named, out }, tools) {
      const { print } = tools;
      const body = { certificate: readNamed(named, "--authority") };
      const asked = await (await tools.client()).call(routes.askManufacturer, { params: { application: into }, body });
      try {
        writeFileSync(out, asked.text);
      } catch (error) {
        throw new Hindrance(`${out} cannot be written (${systemCode(error) ?? "unknown"}).`, { cause: error });
      }
      print.thing(asked, [
        ["nonce", asked.nonce],
        ["good until", print.at(asked.expiresAt)],
      ]);
      print.note(`Sign it with the authority's key: openssl pkeyutl -sign -rawin -inkey KEY -in ${out} -out nonce.sig`);
    },
  }),
  verb({
    name: "manufacturer add",
    summary: "Let devices enrol that come with a birth certificate of this manufacturer's authority",
    flags: {
      application,
      product: required(idOf("product"), "of which product they are"),
      name: required(text("NAME"), "what people call it"),
      authority,
      nonce: required(file, "what was to be signed"),
      signature: required(file, "the signature, as openssl wrote it"),
      most: optional(count, "how many devices enrol by it"),
      valid: optional(duration, "how long their certificates are good: 90d; 398d at most"),
      expires: optional(duration, "when no more enrol by it"),
      ...howHeld,
    },
    examples: [
      "manufacturer add --application app_… --product prd_… --name Acme --authority acme.pem --nonce nonce.txt --signature nonce.sig",
    ],
    async run({ application: into, product, name, authority: named, nonce, signature, ...rest }, tools) {
      const { most, valid, expires, ...given } = rest;
      const body = {
        ...conditionsOf(given),
        name,
        product,
        certificate: readNamed(named, "--authority"),
        nonce: nonceIn(nonce),
        signature: signatureIn(signature),
        ...(most !== undefined && { most }),
        ...(valid !== undefined && { validFor: valid }),
        ...(expires !== undefined && { expiresIn: expires }),
      };
      const made = await (
        await tools.client()
      ).call(routes.createManufacturer, { params: { application: into }, body });
      tools.print.thing(made, [
        ["id", made.id],
        ["expires", tools.print.at(made.expiresAt)],
      ]);
      tools.print.note(`Its devices ask below /.well-known/est/${product}. "credential revoke ${made.id}" stops that.`);
    },
  }),
  verb({
    name: "manufacturer list",
    summary: "List the manufacturers whose devices may enrol by their birth certificates, and how many did",
    flags: { product: optional(idOf("product"), "only of this product") },
    async run({ product }, tools) {
      const { print } = tools;
      const query = product === undefined ? {} : { product };
      const reply = await (await tools.client()).call(routes.listManufacturers, { query });
      const columns = [
        { title: "ID", cell: ({ id }: Manufacturer) => id },
        { title: "NAME", cell: ({ name }: Manufacturer) => name },
        { title: "STATE", cell: ({ state }: Manufacturer) => state },
        { title: "PRODUCT", cell: (one: Manufacturer) => one.product },
        {
          title: "ENROLLED",
          cell: ({ enrolled, most }: Manufacturer) => `${enrolled}${most === undefined ? "" : ` of ${most}`}`,
        },
        { title: "ENDS", cell: ({ notAfter }: Manufacturer) => print.ago(notAfter) },
        { title: "AUTHORITY", cell: ({ subject }: Manufacturer) => subject },
      ];
      print.list(reply, columns, "There is none.");
    },
  }),
];
