/**
 * 1 to 128 UTF-16 units, well formed, no control character (Unicode's Cc: C0, DEL and C1), which would let a name forge a line of a log
 * or a table. One rule for what products declare and what devices send. Looks at units one by one, because this runs for every value.
 */
export function isAttributeName(name: string): boolean {
  if (name.length === 0 || name.length > 128) return false;
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return false;
    if (unit >= 0xd800 && unit < 0xe000) return name.isWellFormed() && !/\p{Cc}/u.test(name);
  }
  return true;
}
