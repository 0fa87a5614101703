import { Refusal, type RefusalCode } from "@holdfast/kernel";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Begun, Handler, Sent } from "../../authority/index.ts";
import { sendReply } from "./answer.ts";
import { browserCookieOf, errandCookieOf, noCookie, sessionCookieOf } from "./cookie.ts";

/** The answer of an operation that has to do with a session, and what the browser is to keep of it. */
export function sendSessionReply(handler: Handler, request: FastifyRequest, reply: FastifyReply, value: unknown) {
  if (handler.route.errand === "begins") {
    const sent = value as Sent<unknown>; // `on` paired the route with a handler that sends
    void reply.header("Set-Cookie", errandCookieOf(sent.errand));
    return sendReply(handler, request, reply, sent.reply);
  }
  switch (handler.route.session) {
    case "begins":
    case "renews": {
      const { reply: body, cookie, browser } = value as Begun<unknown>; // `on` paired the route with a handler that begins one
      const ofBrowser = browser === undefined ? [] : [browserCookieOf(browser)];
      void reply.header("Set-Cookie", [...(cookie === undefined ? [] : [sessionCookieOf(cookie)]), ...ofBrowser]);
      return sendReply(handler, request, reply, body);
    }
    case "ends":
      void reply.header("Set-Cookie", noCookie);
      return sendReply(handler, request, reply, value);
    case "asks":
    case undefined:
      return sendReply(handler, request, reply, value);
  }
}

/** A browser that goes on showing what will never be good again would use up what its address may fail. */
export function forgetOver(error: unknown, reply: FastifyReply): void {
  if (error instanceof Refusal && isOver.has(error.code)) void reply.header("Set-Cookie", noCookie);
}

const isOver: ReadonlySet<RefusalCode> = new Set(["credential.invalid", "credential.expired"]);
