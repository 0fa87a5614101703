import type { z } from "zod";
import type { Action } from "./actions.ts";

/**
 * What an operation is asked about.
 * - `{ path }`: the thing named by this parameter of the path
 * - `{ body }`: the thing named by this field of the body
 * - `own`: the caller's organisation; `me`: the caller's own device
 * - `reach`: everything of the action's kind that the caller may
 */
export type On = { readonly path: string } | { readonly body: string } | "own" | "me" | "reach";

/** One HTTP operation, read by the server, the client, the console, the CLI and the OpenAPI page. */
export type Route = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** One sentence for whoever reads the OpenAPI page. */
  readonly summary: string;
  /**
   * "public" is said aloud and stands in the matrix like any other need. "signedIn" asks only who is there;
   * "publishedKey" for a key that is published with an application's pages, "applicationUser" for a user of it who signed in.
   */
  readonly needs: Action | "public" | "signedIn" | "publishedKey" | "applicationUser";
  readonly on?: On;
  /** Who asks from the machine that the platform runs on, and shows no credential, needs none. */
  readonly openTo?: "thisMachine";
  /** A page of an application may ask it from the origins of its published key, which then stands in the query as `key`. */
  readonly pages?: true;
  /** Each asks for a slow hash, or makes a user: counted by address beforehand. */
  readonly isCostly?: true;
  /** Its verb counts who tries, so that nobody is kept out of her account by others at her address. */
  readonly isCounted?: true;
  readonly query?: z.ZodObject;
  /** `"bytes"`: read by the verb itself, by its content type. */
  readonly body?: z.ZodType | "bytes";
  /** `"stream"`, `"text"`, `"download"`: not JSON; the operation's summary says what. */
  readonly reply: z.ZodType | "stream" | "text" | "download";
  /** Of a download or a text: what it may be. */
  readonly media?: readonly string[];
  /** Of a stream: what it may say, by the name of the event. */
  readonly events?: Readonly<Record<string, z.ZodType>>;
  /** 204: without a body. */
  readonly status?: 201 | 204;
  /** Where what was made stands, with fields of the reply, or of the path: `/v1/devices/{id}`. */
  readonly location?: string;
  /** The reply has a `version`, which is also its ETag; a change or an end of the thing heeds If-Match (RFC 9110, 13.1.1). */
  readonly versioned?: true;
  /** What it does with the cookie of a person's session: begins one, asks for one, gives another for the one that was shown, or ends that. */
  readonly session?: "begins" | "asks" | "renews" | "ends";
  /**
   * Somebody is sent elsewhere and comes back: it begins with a sealed cookie that says why, and ends where that is shown. Such a cookie is
   * good for minutes, and for one end.
   */
  readonly errand?: "begins" | "ends";
  /** Of what belongs to a person and no organisation: somebody whom an organisation's provider brought may ask it, too. */
  readonly alsoByProvider?: true;
  /**
   * `oauth`: its body is a form, and its refusals are told as OAuth has them (RFC 6749, 3.2 and 5.2). `influx`: its refusals are told as
   * clients of InfluxDB read them. `est`: a credential may come by HTTP Basic, and what is answered is base64 (RFC 7030, 3.2.3 and 4).
   */
  readonly speaks?: "oauth" | "influx" | "est";
  /** A device may show the birth certificate that it has of its manufacturer, which opens nothing else. */
  readonly byBirth?: true;
  /** A program asks it every few seconds with something that cannot be guessed: only what fails is counted by address. */
  readonly isPolled?: true;
  /** Its items are a table, too: with `format=csv`, or for whoever accepts `text/csv`, these fields of each are a line. */
  readonly csv?: readonly string[];
  /** Asks somebody in a browser to have proved lately who she is. */
  readonly isConfirmed?: true;
  /** Answers with a secret that is shown this once: a replay under the same Idempotency-Key leaves it out. */
  readonly mints?: string;
};

export const route = <const R extends Route>(r: R): R => r;
