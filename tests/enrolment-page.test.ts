import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { read } from "../tools/documents/markdown.ts";
import { Owner, type Key } from "./authority.fixture.ts";
import { placeOf, run } from "./clients.fixture.ts";
import { Manufacturer } from "./manufacturers.fixture.ts";

// What a device's side of docs/enrolment.md tells somebody to type, typed as it stands there.
const platform = await startTestPlatform({ config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const product = await owner.product();
const { url, ca } = placeOf(platform);
const { clientCertificateUrl = "" } = platform.platform;
const { blocks } = read(readFileSync(path.join(import.meta.dirname, "../docs/enrolment.md"), "utf8"));

/** The block that has this in it, with what each reader has of her own in the place of what stands there. */
function block(having: string, own: Readonly<Record<string, string>> = {}): string {
  const found = blocks.filter(({ text }) => text.includes(having));
  assert.equal(found.length, 1, having);
  const places = {
    "https://platform.example:8443": url,
    "https://platform.example:8444": clientCertificateUrl,
    ...own,
  };
  return Object.entries(places).reduce((text, [there, here]) => text.replaceAll(there, here), found[0]?.text ?? "");
}

/** A folder of her own, in which she types. */
function desk(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-enrolment-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => path.join(folder, name);
  writeFileSync(file("ca.pem"), ca);
  return { file, type: (text: string) => run("sh", ["-ec", `cd '${folder}'\n${text}`]) };
}

const hasPrograms = async () => (await run("curl", ["--version"])) && (await run("openssl", ["version"]));

type Device = { readonly id: string; readonly name: string };
async function deviceOf(pem: string): Promise<Device | undefined> {
  const { subject } = new X509Certificate(pem);
  const { items } = await owner.asks.get<{ items: Device[] }>("/v1/devices?limit=1000");
  return items.find(({ id }) => subject === `CN=${id}`);
}

test("the lines by which a device enrols give it a certificate, and renewing by them another", async (t) => {
  if (!(await hasPrograms())) return t.skip("there is no curl, or no openssl");
  const body = { name: "factory", kind: "enrolment", enrols: { product: product.id } };
  const key = await owner.asks.post<Key>(`/v1/applications/${application.id}/keys`, body);
  const { file, type } = desk(t);
  const lines = block("-keyout device.pem", { "key_…:hfs_…": `${key.id}:${key.secret}` });

  const typed = await type(lines);
  assert.equal(typed?.code, 0, typed?.out ?? "");
  const first = readFileSync(file("device.crt"), "utf8");
  assert.equal((await deviceOf(first))?.name, "Pump 4711");

  // "Renewing is `simplereenroll` on the port of `--client-certificate-port`, with `--cert … --key …` in place of `-u`."
  const [, renewing = ""] = /(curl [\s\S]*)$/.exec(lines) ?? [];
  const renewed = await type(
    renewing
      .replace(`-u ${key.id}:${key.secret}`, "--cert device.crt --key device.pem")
      .replace(`${url}/.well-known/est/simpleenroll`, `${clientCertificateUrl}/.well-known/est/simplereenroll`)
      .replace("-out device.crt", "-out next.crt"),
  );
  assert.equal(renewed?.code, 0, renewed?.out ?? "");
  const next = readFileSync(file("next.crt"), "utf8");
  assert.notEqual(new X509Certificate(next).serialNumber, new X509Certificate(first).serialNumber);
  assert.equal((await deviceOf(next))?.id, (await deviceOf(first))?.id);
});

test("the lines by which a device with a birth certificate enrols give it a certificate", async (t) => {
  if (!(await hasPrograms())) return t.skip("there is no curl, or no openssl");
  const acme = await Manufacturer.of(systemClock.now());
  const of = `/v1/applications/${application.id}/manufacturers`;
  const { certificate } = acme;
  const { nonce, text } = await owner.asks.post<{ nonce: string; text: string }>(`${of}/nonce`, { certificate });
  await owner.asks.post(of, { name: "Acme", product: product.id, certificate, nonce, signature: acme.sign(text) });
  const birth = await acme.birth("SN-4711");
  const { file, type } = desk(t);
  writeFileSync(file("birth.crt"), birth.cert);
  writeFileSync(file("birth.key"), birth.key);
  const [request = ""] = block("-keyout device.pem").split("\ncurl ");

  const typed = await type(`${request}\n${block("--cert birth.crt", { "prd_…": product.id })}`);
  assert.equal(typed?.code, 0, typed?.out ?? "");
  assert.equal((await deviceOf(readFileSync(file("device.crt"), "utf8")))?.name, "SN-4711");
});
