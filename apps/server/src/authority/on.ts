import type { PublicKey } from "@holdfast/crypto";
import type { Action, Route } from "@holdfast/protocol";
import type { z } from "zod";
import type { Caller } from "./caller.ts";
import type { Permit, Reach } from "./permit.ts";
import type { Session, Visit } from "./session.ts";

/** The bytes of a body that its verb reads itself, as they came. */
export type Raw = {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** `Content-Encoding`, as it was sent. */
  readonly encoding: string | undefined;
};

type Needed<R extends Route> = R extends { readonly openTo: string }
  ? { readonly address: string } // nobody need have been asked for
  : R["needs"] extends Action
    ? R["on"] extends "reach"
      ? { readonly reach: Reach<R["needs"]>; readonly caller: Caller }
      : { readonly permit: Permit<R["needs"]>; readonly caller: Caller }
    : R["needs"] extends "publishedKey"
      ? { readonly caller: Caller; readonly address: string; readonly boundTo: PublicKey | undefined }
      : R["needs"] extends "applicationUser"
        ? {
            readonly caller: Caller;
            readonly address: string;
            /** The published key of the page that asks, where one does. */ readonly page: Caller | undefined;
          }
        : R["needs"] extends "signedIn"
          ? { readonly caller: Caller }
          : R["session"] extends "asks" | "ends" | "renews"
            ? { readonly session: Session; readonly visit: Visit }
            : { readonly address: string; readonly visit: Visit };

type Returning<R extends Route> = R["errand"] extends "ends"
  ? {
      /** What her browser kept. */
      readonly errand: string | undefined;
    }
  : unknown;

type Query<R extends Route> = R["query"] extends z.ZodObject ? z.infer<R["query"]> : undefined;
type Body<R extends Route> = R["body"] extends "bytes"
  ? Raw
  : R["body"] extends z.ZodType
    ? z.infer<R["body"]>
    : undefined;
/** A session begins, or goes on with another cookie: what the cookie is to hold, which stands nowhere in the answer itself. */
export type Begun<Reply> = {
  readonly reply: Reply;
  /** The one that was shown goes on, where there is none. */
  readonly cookie: string | undefined;
  /** What that of the browser itself is to hold, where it changes. */
  readonly browser?: string | undefined;
};
/** Somebody is sent elsewhere: what her browser is to keep until she comes back. */
export type Sent<Reply> = { readonly reply: Reply; readonly errand: string };

type Reply<R extends Route> = R["reply"] extends z.ZodType
  ? R["session"] extends "begins" | "renews"
    ? Begun<z.input<R["reply"]>>
    : R["errand"] extends "begins"
      ? Sent<z.input<R["reply"]>>
      : z.input<R["reply"]>
  : R["reply"] extends "text"
    ? string | Uint8Array
    : R["reply"] extends "download"
      ? Download
      : Stream;

/** Something that goes on after the answer began: the listener gives it the connection. */
export type Stream = { readonly watch: true };

/** A file that is written while it is read. Whatever could be refused beforehand was. */
export type Download = {
  readonly contentType: string;
  readonly fileName: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Read as fast as the client takes it. Throws when it cannot go on: then the answer is cut off, so that nobody takes a part for the whole. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Aborted in the turn in which whoever asked may no longer have it. */
  readonly over: AbortSignal;
};

export type Asked<R extends Route> = Needed<R> &
  Returning<R> & {
    readonly params: Readonly<Record<string, string>>;
    readonly query: Query<R>;
    readonly body: Body<R>;
    /** Of which versions the thing may be for this to be done (If-Match); `undefined` is any. */
    readonly versions: readonly number[] | undefined;
  };

export type Handler = { readonly route: Route; handle(asked: never): Promise<unknown> };

/** Binds an operation to its verb. What the verb may touch arrives as a permit or a reach, never as an identifier. */
export const on = <const R extends Route>(route: R, handle: (asked: Asked<R>) => Promise<Reply<R>>): Handler => ({
  route,
  handle,
});
