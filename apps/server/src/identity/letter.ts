import type { Instant } from "@holdfast/kernel";
import { isMailAddress } from "../outbound/index.ts";

/**
 * What a letter is about, which says who can cause one. Each kind is counted by itself, so that nobody uses up what others have to be told by;
 * and by its address alone, so that no count says whether somebody has an account.
 */
export type Kind =
  /** Strangers ask for it. */
  | "forgotten"
  /** An inviter does. */
  | "invitation"
  /** Anybody with an account, for any address. */
  | "newAddress"
  /** She herself. */
  | "ownAddress"
  /** The administrator of the instance. */
  | "factorReset"
  /** Whoever guesses, knows the password alone, or signs in. */
  | "guesses"
  | "besideWrong"
  | "signIn"
  /** A provider of an organisation says that she came, whoever runs that. */
  | "broughtSignIn"
  /** What changed. */
  | "password"
  | "address"
  | "factor"
  /** To owners: of a member, and of the organisation itself. */
  | "memberReset"
  | "member"
  | "organisation"
  /** A device, or many, of an organisation that wants her told. */
  | "alert"
  /** To the owner of a device: somebody shows the code on its box; somebody made a code in her name; it is another's. */
  | "deviceContested"
  | "deviceOffered"
  | "deviceGone";

/** What somebody is told by mail. */
export type Letter = {
  readonly kind: Kind;
  readonly to: string;
  readonly subject: string;
  /** A paragraph each. */
  readonly lines: readonly string[];
  /** What she is to open. It stands on a line of its own. */
  readonly link?: string | undefined;
  /** From then on it is worth nothing, and is not sent any more. */
  readonly until?: Instant | undefined;
};

/**
 * Fit to be sent, whatever names stand in it: no line end in a subject, which would begin another header, and no mark in a line that steers
 * whatever shows it. An address that is none, or a list of them, is our own fault: it was parsed where it came in.
 */
export function fit({ kind, to, subject, lines, link, until }: Letter): Letter {
  if (!isMailAddress(to)) throw new Error("a letter goes to one address");
  if (link !== undefined && !/^https:\/\/[!-~]+$/.test(link))
    throw new Error("the link of a letter is an address of the platform");
  return { kind, to, subject: oneLine(subject).slice(0, 200), lines: lines.map(oneLine), link, until };
}

const oneLine = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();

/** Whether whoever has it can do something with it that others cannot. A link to a page is none of these. */
export const opensSomething = ({ link }: Pick<Letter, "link">): boolean => link?.includes("#") ?? false;

/** Plain text, always of the same form, so that people know one when they see it. */
export const textOf = ({ lines, link }: Letter, address: string): string =>
  [...lines, ...(link === undefined ? [] : [link]), `-- \nHoldfast at ${address}`].join("\n\n") + "\n";
