import { readFile } from "node:fs/promises";
import { Refusal } from "@holdfast/kernel";
import { isAddressOf } from "./authority/index.ts";
import type { Config } from "./config.ts";
import { carrierOf } from "./mail.ts";

/** What the operator says of whatever leaves the platform. @throws Refusal `config.malformed` */
export async function outwardsOf(config: Config) {
  return { carrier: carrierOf(config), calling: await callingOf(config) };
}

async function callingOf({ outboundAllow, outboundCa, dnsServer }: Config) {
  return {
    isAllowed: (address: string) => outboundAllow.some((network) => isAddressOf(network, address)),
    ca: outboundCa === undefined ? undefined : await certificatesIn(outboundCa),
    server: dnsServer,
  };
}

async function certificatesIn(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Refusal("config.malformed", { detail: `--outbound-ca ${file} cannot be read.`, cause });
  });
  if (/-----BEGIN CERTIFICATE-----/.test(text)) return text;
  throw new Refusal("config.malformed", { detail: `--outbound-ca ${file} has no certificate in PEM.` });
}
