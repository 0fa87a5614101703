import path from "node:path";

/** One word of a shell, whatever is in it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A file as it can be typed in `folder`: shortly when it is below. */
export function typed(file: string, folder: string): string {
  const short = path.relative(folder, file);
  return quoted(short === "" || short.startsWith("..") || path.isAbsolute(short) ? file : short);
}
