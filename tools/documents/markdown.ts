/** A fenced block: the first word after the fence, its lines, and where the first of them stands (from 1). */
export type Block = { language: string; line: number; text: string };

export type Link = { target: string; line: number };

/** What the checks look at in a page. */
export type Page = { blocks: Block[]; links: Link[]; anchors: Set<string> };

/** Reads as much Markdown as our pages use. */
export function read(text: string): Page {
  const page: Page = { blocks: [], links: [], anchors: new Set() };
  let fence: { mark: string; block: Block } | undefined;
  for (const [at, line] of text.split("\n").entries()) {
    const [, mark, language] = /^\s*(`{3,}|~{3,})\s*(\w*)/.exec(line) ?? [];
    if (fence && mark?.startsWith(fence.mark) && language === "") fence = undefined;
    else if (fence) fence.block.text += `${line}\n`;
    else if (mark !== undefined) {
      fence = { mark, block: { language: language ?? "", line: at + 2, text: "" } };
      page.blocks.push(fence.block);
    } else {
      for (const target of targets(line)) page.links.push({ target, line: at + 1 });
      const heading = /^#+\s+(.*)$/.exec(line)?.[1];
      if (heading !== undefined) page.anchors.add(anchor(heading, page.anchors));
    }
  }
  return page;
}

function targets(line: string): string[] {
  const prose = line.replace(/`[^`]*`/g, "");
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)];
  const defined = [...prose.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/g)];
  const html = [...prose.matchAll(/<(?:img|a)\b[^>]*\b(?:src|href)="([^"]+)"/g)];
  return [...inline, ...defined, ...html].flatMap(([, target]) => target ?? []);
}

/** The anchor that forges give a heading: lower case, no punctuation, hyphens, and a number when it comes again. */
function anchor(heading: string, taken: ReadonlySet<string>): string {
  const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  const slug = plain
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
  if (!taken.has(slug)) return slug;
  let count = 1;
  while (taken.has(`${slug}-${count}`)) count += 1;
  return `${slug}-${count}`;
}
