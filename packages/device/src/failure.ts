const sentences = {
  "url.insecure": "A device connects with TLS alone. Give an address that begins with mqtts: or wss:.",
  "credential.missing": "A device shows who it is. Give its key, its certificate or both, or an identity that enrols.",
  "spool.full": "As much waits to be sent as may. Wait until some of it is, or let the oldest be dropped.",
  "spool.tooLarge": "This alone is larger than the spool may be. Send less at once, or give the spool more bytes.",
  "spool.dropped": "The spool was full, and this was the oldest in it. Give the spool more room, or send less.",
  "spool.unreadable":
    "The spool's file does not open with this secret, or is none. Give the secret that it was written with, or move the file away.",
  "spool.inUse":
    "Another program that runs has this spool. End it, or give this one a file of its own: two would send the same twice.",
  "spool.unwritable": "The spool could not be written, so this was not kept. See whether the disk is full.",
  "spool.unopened":
    "The spool's file cannot be opened here. What it holds is as it was. See whether the disk is full, which matters where the file is new, damaged or sealed with a former secret, and whether this program may read and write in that folder; then open it again.",
  "spool.unsynced":
    "The disk did not confirm what the spool holds. It is sent all the same, but a loss of power may lose it. See whether the disk is full or fails.",
  "spool.untidied":
    "The spool's file could not be written anew without what is over, so it stays large. Nothing is lost, and it is tried again. See whether the disk is full.",
  "spool.behind":
    "What is over could not be noted in the spool's file. It is noted once there is room. If the program ends before, what was sent may be sent again, and a command that ran is answered as interrupted. See whether the disk is full.",
  "place.unwritable":
    "This file could not be written, and is as it was. See whether the disk is full, and whether this program may write in that folder.",
  "place.unreadable":
    "This file is damaged, as by a disk that fails. Move it away: a device that enrols is another one then, unless it does so by a birth certificate.",
  "device.closed": "This device was closed. What its spool keeps is sent when it connects again.",
  "roots.invalid":
    "These are no roots to trust. Give certificates in PEM, one at least; those of before are trusted further.",
  "roots.fixed":
    "This device was told its roots as they are. Give it `Roots` as `ca`, which keeps those that replace them.",
  "roots.unread":
    "The platform did not say which roots to trust. Those of before are trusted further, and it is asked again.",
  "roots.unsigned":
    "None of the roots that this device trusts has signed what it was told to trust. Those of before are trusted further. Somebody may stand between it and the platform.",
  "enrolment.refused":
    "The platform does not enrol this device. Its code says why: see whether the enrolment key or the manufacturer is good yet, and whether the device was retired.",
  "enrolment.later": "The platform cannot enrol this device at the moment. It is asked again.",
  "name.invalid":
    "This is no name. A child goes by its id or its alias (letters, digits, . _ - and blanks within), a group, a command and a task by letters, digits, . _ and - (64 at most); what is said in a group has a topic below the group's, and not below tasks/.",
  "child.refused":
    "The platform does not let this device speak for that child. Bind it to this gateway (`holdfast gateway bind`) and see whether it is suspended and what its door demands; or forget it.",
  "child.forgotten": "This was to be sent for a child that was forgotten, and is not sent.",
  "group.refused":
    "The platform does not let this device do that in the group. Admit it (`holdfast group admit`), and see whether it may read and write there.",
  "group.malformed": "What another device said in the group is no JSON. See which firmware says it.",
  "connection.ended":
    "There is no connection to the platform, or it ended before this was answered. It may have arrived. Ask again when the device is online.",
  "board.silent":
    "The board of the group did not answer in time. Ask again: what it may have leased is anybody's when that lease is over.",
  "board.malformed":
    "The board of the group answered what this version does not understand. See whether the package is older than the platform.",
  "task.lost":
    "The lease of this task is over, and another device may have it. Change nothing more in its name: what you do from now on is done twice.",
  "task.tooLarge":
    "The result or the error of a task is at most 16 KiB of JSON, with 64 objects and arrays in each other. Answer with less, and deliver the rest as readings.",
  "work.invalid": "A device leases 1 to 100 tasks at once, for 5 to 3,600 seconds, both whole numbers.",
  "platform.refused": "The platform does not take this, now or later. Its reason is named here.",
} as const;

export type DeviceErrorCode = keyof typeof sentences;

/** Why something was not done; programs match on the code. */
export class DeviceError extends Error {
  readonly code: DeviceErrorCode;
  /** What the platform answered: a reason code of MQTT 5 (2.4). */
  readonly reason: number | undefined;

  constructor(code: DeviceErrorCode, more: { cause?: unknown; detail?: string; reason?: number } = {}) {
    super(more.detail === undefined ? sentences[code] : `${sentences[code]} ${more.detail}`, { cause: more.cause });
    this.name = "DeviceError";
    this.code = code;
    this.reason = more.reason;
  }
}

const longest = 2_000; // characters; in JSON that is less than a reply may have, whatever they are

/** What went wrong, for whoever asked for it. The error of a program that was run may have all in it that this wrote. */
export function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : textOf(error);
  return words.length > longest ? `${words.slice(0, longest).replace(/[\ud800-\udbff]$/, "")}…` : words;
}

function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    // It has no text, or makes none.
    return "It threw what has no words.";
  }
}
