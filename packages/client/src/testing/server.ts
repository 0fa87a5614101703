import https from "node:https";
import type { IncomingMessage, RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { selfSigned } from "./certificate.ts";

export const localhost = selfSigned();

/** A TLS server on a free port that goes with the test. Answers where it is. */
export async function serve(t: TestContext, answer: RequestListener, certificate = localhost): Promise<string> {
  const server = https.createServer({ ...certificate, ALPNProtocols: ["http/1.1"] }, answer);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `https://localhost:${(server.address() as AddressInfo).port}`; // it listens on a port
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}
