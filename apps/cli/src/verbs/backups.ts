import { runOwn, where } from "../own-program.ts";
import { file, onOff, required, text } from "../parameter.ts";
import { verb } from "../verb.ts";

export const backupVerbs = [
  verb({
    name: "backup",
    summary: "Back up all data of this machine's platform, while it serves; the keys have a backup of their own",
    arguments: { to: required(text("FILE|DIR"), "a file that is not there yet, or a folder, where it gets a name") },
    flags: where,
    examples: ["backup /mnt/backups"],
    run: ({ to, ...flags }, tools) => runOwn("backups", ["backup", to], flags, tools),
  }),
  verb({
    name: "backup verify",
    summary: "Read a backup from its beginning to its end, and say what it holds",
    arguments: { file: required(file, "the backup") },
    flags: where,
    examples: ["backup verify /mnt/backups/holdfast-3f2a9c41-20261128T0300Z.backup"],
    run: ({ file, ...flags }, tools) => runOwn("backups", ["verify", file], flags, tools),
  }),
  verb({
    name: "restore",
    summary: "Put a backup into an empty data folder or database, beside the keys that it was made with",
    arguments: { file: required(file, "the backup") },
    flags: {
      ...where,
      "nothing-revoked": onOff("you know that nothing was revoked since it was made: nobody has to confirm it"),
    },
    examples: ["restore /mnt/backups/holdfast-3f2a9c41-20261128T0300Z.backup --data /var/lib/holdfast"],
    run: ({ file, ...flags }, tools) => runOwn("backups", ["restore", file], flags, tools),
  }),
];
