import type { Action, Route } from "@holdfast/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Account, Meter } from "../../accounting/index.ts";
import type { Caller } from "../../authority/index.ts";

/**
 * Whoever has used all up can still see it and make an end. Who signed in is never shut out: she is who mends it. An operator key is
 * hers, too, but what shows it is a program, and a customer mends nothing: for both there would be no bound at all.
 */
const free: readonly Route["needs"][] = [
  "usage.read",
  "quota.read",
  "credential.revoke",
  "device.suspend",
  "device.retire",
] satisfies Action[];

type Asking = { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly needs: Route["needs"] };

/** What was asked, and how much of it the organisation's month has left. */
export class Metering {
  /** Where a request is counted. */
  readonly #meters = new WeakMap<FastifyRequest, Meter>();

  /** Beside what the credential may by itself (draft-ietf-httpapi-ratelimit-headers-10). @throws Refusal `quota.exceeded` */
  count({ credential }: Caller, { request, reply, needs }: Asking, account: Account): void {
    const month = account.requestsLeft();
    // Without a window: months differ.
    if (month) {
      more(reply, "RateLimit-Policy", `"month";q=${month.limit}`);
      more(reply, "RateLimit", `"month";r=${month.left};t=${month.seconds}`);
    }
    const isFree = credential.inPerson || free.includes(needs);
    const refusal = isFree ? undefined : account.requestRefusal();
    if (refusal) throw refusal;
    const meter = account.meter("http", credential);
    meter.requests += 1;
    this.#meters.set(request, meter);
  }

  /** Of an answer whose length nobody knew beforehand. */
  sent(request: FastifyRequest, bytes: number): void {
    const meter = this.#meters.get(request);
    if (meter) meter.bytesOut += bytes;
  }

  /** The bodies of a request that was counted. */
  weigh(request: FastifyRequest, reply: FastifyReply): void {
    const meter = this.#meters.get(request);
    if (!meter) return;
    if (request.body instanceof Uint8Array) meter.bytesIn += request.body.length;
    const size = Number(reply.getHeader("content-length") ?? 0);
    if (request.method !== "HEAD" && Number.isInteger(size)) meter.bytesOut += size;
  }
}

function more(reply: FastifyReply, name: string, item: string): void {
  const there = reply.getHeader(name);
  void reply.header(name, there === undefined ? item : `${String(there)}, ${item}`);
}
