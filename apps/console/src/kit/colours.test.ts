import assert from "node:assert/strict";
import { test } from "node:test";
import { lines, palette, scheme, type Scheme } from "./colours.ts";

/** Relative luminance and contrast: WCAG 2.2, definitions. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const backgrounds = ["page", "raised", "hover"] as const;
const texts = ["text", "dim", "accent", "good", "warn", "bad", "off"] as const satisfies (keyof Scheme)[];

test("every colour of text on every background has the contrast of AA, in both themes", () => {
  for (const [name, colours] of Object.entries(scheme)) {
    for (const background of backgrounds) {
      for (const text of texts) {
        const found = contrast(colours[text], colours[background]);
        assert.ok(found >= 4.5, `${name}: ${text} on ${background} is ${found.toFixed(2)}`);
      }
      const edge = contrast(colours.edge, colours[background]);
      assert.ok(edge >= 3, `${name}: an edge on ${background} is ${edge.toFixed(2)}`); // 1.4.11
    }
  }
});

test("white on what can be pressed has the contrast of AA", () => {
  for (const name of ["teal", "red"] as const) {
    for (const shade of [7, 8, 9])
      assert.ok(contrast("#ffffff", palette[name][shade] ?? "") >= 4.5, `${name} ${shade}`);
  }
});

test("every line of a chart stands out from its background", () => {
  for (const theme of ["light", "dark"] as const) {
    for (const line of lines[theme]) assert.ok(contrast(line, scheme[theme].raised) >= 4.5, `${theme}: ${line}`);
  }
});

test("a palette has the ten shades that the kit asks for", () => {
  for (const [name, shades] of Object.entries(palette)) assert.equal(shades.length, 10, name);
});
