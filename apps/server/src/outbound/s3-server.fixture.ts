import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { selfSigned } from "@holdfast/client/testing";

export type S3Server = {
  readonly port: number;
  readonly cert: string;
  readonly objects: Map<string, Buffer>;
  /** What it refused, and how often it was asked. */
  readonly refused: string[];
  asked(): number;
  close(): Promise<void>;
};

const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/**
 * An object store that speaks as much of S3 as chunks need, and lets in only who signs with the secret: each signature is worked out
 * anew from what came, as AWS Signature Version 4 is written down, by nothing that the client uses.
 */
export async function startS3(given: {
  host: string;
  bucket: string;
  keyId: string;
  secret: string;
}): Promise<S3Server> {
  const { bucket, keyId, secret } = given;
  const { cert, key } = selfSigned({ name: given.host });
  const objects = new Map<string, Buffer>();
  const refused: string[] = [];
  let asked = 0;
  const server = createServer({ cert, key }, (request, answer) => void serve(request, answer));

  async function serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    asked += 1;
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts);
    const url = new URL(request.url ?? "", `https://${given.host}`);
    const why = faultOf(request, url, body);
    if (why) {
      refused.push(why);
      return say(answer, 403, `<Error><Code>SignatureDoesNotMatch</Code><Message>${why}</Message></Error>`);
    }
    const name = decodeURIComponent(url.pathname).slice(`/${bucket}/`.length);
    switch (request.method) {
      case "PUT":
        objects.set(name, body);
        return say(answer, 200, "");
      case "DELETE":
        objects.delete(name);
        return say(answer, 204, "");
      case "GET":
        return url.searchParams.has("list-type") ? list(answer, url) : give(answer, name, request.headers.range);
      default:
        return say(answer, 405, "");
    }
  }

  function give(answer: ServerResponse, name: string, range: string | undefined): void {
    const bytes = objects.get(name);
    if (!bytes) return say(answer, 404, "<Error><Code>NoSuchKey</Code></Error>");
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    if (from === undefined) return say(answer, 200, bytes);
    if (Number(from) >= bytes.length) return say(answer, 416, "<Error><Code>InvalidRange</Code></Error>");
    say(answer, 206, bytes.subarray(Number(from), Number(to) + 1));
  }

  /** Two on a page, so that a client has to turn one. */
  function list(answer: ServerResponse, url: URL): void {
    const names = [...objects.keys()].filter((name) => name.startsWith(url.searchParams.get("prefix") ?? "")).sort();
    const begin = Number(url.searchParams.get("continuation-token") ?? 0);
    const page = names.slice(begin, begin + 2);
    const next = begin + 2 < names.length ? `<NextContinuationToken>${begin + 2}</NextContinuationToken>` : "";
    const items = page.map(
      (name) => `<Contents><Key>${name}</Key><Size>${objects.get(name)?.length}</Size></Contents>`,
    );
    const isMore = next === "" ? "false" : "true";
    say(
      answer,
      200,
      `<ListBucketResult><IsTruncated>${isMore}</IsTruncated>${next}${items.join("")}</ListBucketResult>`,
    );
  }

  function faultOf({ method = "", headers }: IncomingMessage, url: URL, body: Buffer): string | undefined {
    const [, who, day, region, signedNames = "", signature = ""] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
        headers.authorization ?? "",
      ) ?? [];
    if (who !== keyId || day === undefined || region === undefined) return "not signed by this key";
    const at = String(headers["x-amz-date"]);
    const said = String(headers["x-amz-content-sha256"]);
    if (said !== "UNSIGNED-PAYLOAD" && said !== sha256(body)) return "another body";
    const query = [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join("&");
    const names = signedNames.split(";");
    if (!names.includes("host") || !names.includes("x-amz-date")) return "what has to be signed is not";
    const lines = names.map((name) => `${name}:${String(headers[name]).trim()}\n`).join("");
    const canonical = [method, url.pathname, query, lines, signedNames, said].join("\n");
    const scope = `${day}/${region}/s3/aws4_request`;
    const signing = ["AWS4-HMAC-SHA256", at, scope, sha256(canonical)].join("\n");
    const key1 = [day, region, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${secret}`);
    const right = hmac(key1, signing);
    return timingSafeEqual(right, Buffer.from(signature, "hex")) ? undefined : "another signature";
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // of a TCP server
    cert,
    objects,
    refused,
    asked: () => asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

function say(answer: ServerResponse, status: number, body: string | Buffer): void {
  answer.writeHead(status, typeof body === "string" ? { "content-type": "application/xml" } : {});
  answer.end(status === 204 ? undefined : body);
}
