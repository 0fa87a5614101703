import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Misuse, systemCode } from "./failure.ts";
import type { Inlet } from "./world.ts";

/** Text of a file that somebody named. @throws Misuse */
export function readNamed(file: string, flag: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Misuse(`${flag}: ${file} cannot be read (${systemCode(error) ?? "unknown"}).`, { cause: error });
  }
}

/** A secret's first line, from a file or with `-` from stdin: never from a flag, where every process can see it. */
export async function readSecret(file: string, flag: string, stdin: Inlet): Promise<string> {
  const whole = file === "-" ? await readAll(stdin) : readNamed(file, flag);
  const secret = whole.replace(/\r?\n$/, "");
  if (secret === "") throw new Misuse(`${flag}: ${file === "-" ? "stdin" : file} is empty.`);
  if (/[\r\n]/.test(secret)) throw new Misuse(`${flag}: ${file === "-" ? "stdin" : file} has more than one line.`);
  return secret;
}

/** PEM text with at least one certificate in it. @throws Misuse */
export function readAuthority(file: string, flag: string): string {
  const pem = readNamed(file, flag);
  try {
    void new X509Certificate(pem);
  } catch (error) {
    throw new Misuse(`${flag}: ${file} holds no certificate in PEM form.`, { cause: error });
  }
  return pem;
}

async function readAll(stdin: Inlet): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdin) text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  return text;
}
