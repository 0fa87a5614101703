import path from "node:path";
import type { Page } from "./markdown.ts";

/** A sentence for every link to something in the repository that is not there. `exists` knows files and folders. */
export function brokenLinks(pages: ReadonlyMap<string, Page>, exists: (file: string) => boolean): string[] {
  const complaints: string[] = [];
  for (const [file, page] of pages) {
    for (const { target, line } of page.links) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target) || target.startsWith("//")) continue;
      const [name = "", fragment] = decodeURI(target).split("#", 2);
      const to = name === "" ? file : path.posix.join(path.posix.dirname(file), name);
      if (to.startsWith("../") || !exists(to)) {
        complaints.push(`${file}:${line} links to ${target}, which does not exist`);
      } else if (fragment !== undefined && pages.has(to) && !pages.get(to)?.anchors.has(fragment)) {
        complaints.push(`${file}:${line} links to ${target}, but ${to} has no such heading`);
      }
    }
  }
  return complaints;
}
