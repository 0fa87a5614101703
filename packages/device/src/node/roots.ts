import { X509Certificate } from "node:crypto";
import { DeviceError, Roots } from "../index.ts";
import { ask } from "./ask.ts";
import { fileAt } from "./place.ts";

export type RootsOptions = {
  /** Where those are kept that took the place of the first. */
  readonly file: string;
  /** PEM of what is trusted at first. */
  readonly first: string | readonly string[];
  /** The platform, `https://HOST:PORT`: it says at `/security/certificates` what to trust. */
  readonly url: string;
};

/** Roots that follow the platform's: it is asked each day, over TLS that those vouch for which are trusted already. */
export function openRoots({ file, first, url }: RootsOptions): Roots {
  return new Roots({
    place: fileAt(file),
    first: typeof first === "string" ? [first] : first,
    check,
    ask: (trusted) => askedRoots(url, trusted),
  });
}

type Listed = { readonly certificates: readonly { readonly purpose: string; readonly pem: string }[] };

async function askedRoots(url: string, trusted: readonly string[]): Promise<readonly string[]> {
  const about = { ca: [...trusted] };
  const read = async (path: string): Promise<string> => {
    const { status, text } = await ask(new URL(path, url).href, about);
    if (status !== 200) throw new DeviceError("roots.unread", { detail: `${path}: ${status}` });
    return text;
  };
  const { certificates } = JSON.parse(await read("/security/certificates")) as Listed; // the platform's API
  const authorities = certificates.filter(({ purpose }) => purpose === "authority");
  return Promise.all(authorities.map(({ pem }) => read(pem)));
}

function check(pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new DeviceError("roots.invalid", { cause });
  }
}
