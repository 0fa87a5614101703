import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { complaintsAbout, type Manifest } from "./dependencies/complaints.ts";
import type { Locked } from "./lockfile/locked.ts";
import { rowsOf } from "./dependencies/table.ts";

// Every dependency is a decision that docs/dependencies.md gives account of, and the account is true.
const root = path.dirname(import.meta.dirname);
const text = (file: string): string => readFileSync(path.join(root, file), "utf8");

const manifests = globSync(["package.json", "{packages,apps}/*/package.json"], { cwd: root })
  .sort()
  .map((file): Manifest => {
    const folder = path.dirname(file).split(path.sep).join("/");
    // npm has read these files before us and would not have accepted another shape.
    return { ...(JSON.parse(text(file)) as Omit<Manifest, "folder">), folder: folder === "." ? "" : folder };
  });
// Written by npm.
const { packages } = JSON.parse(text("package-lock.json")) as { packages: Locked };

const complaints = complaintsAbout(manifests, packages, rowsOf(text("docs/dependencies.md")));
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length > 0) process.exitCode = 1;
