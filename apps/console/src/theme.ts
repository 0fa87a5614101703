import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";
import { palette, scheme, type Scheme } from "./kit/index.ts";

const shades = (all: readonly string[]): MantineColorsTuple => all as unknown as MantineColorsTuple; // ten, as the test counts

/** Calm, dense, exact: neutral slate, one accent, rows of 36, a grid of 8. The colours are in `colours.ts`, where their contrast is tried. */
export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: { light: 8, dark: 8 },
  colors: {
    gray: shades(palette.slate),
    dark: shades(palette.night),
    teal: shades(palette.teal),
    red: shades(palette.red),
    yellow: shades(palette.amber),
    green: shades(palette.green),
    blue: shades(palette.blue),
  },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  focusRing: "auto",
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    // Its heading is no banner of the page: there is one already.
    Modal: { defaultProps: { centered: true, attributes: { header: { role: "none" } } } },
  },
});

const variables = (colours: Scheme): Record<string, string> => ({
  "--mantine-color-body": colours.page,
  "--mantine-color-text": colours.text,
  "--mantine-color-dimmed": colours.dim,
  "--mantine-color-placeholder": colours.dim,
  "--mantine-color-anchor": colours.accent,
  "--mantine-color-error": colours.bad,
  "--mantine-color-default": colours.raised,
  "--mantine-color-default-color": colours.text,
  "--mantine-color-default-border": colours.edge,
  "--mantine-color-default-hover": colours.hover,
  "--mantine-color-disabled": colours.hover,
  "--mantine-color-disabled-color": colours.dim,
  "--hf-page": colours.page,
  "--hf-raised": colours.raised,
  "--hf-hover": colours.hover,
  "--hf-line": colours.line,
  "--hf-edge": colours.edge,
  "--hf-text": colours.text,
  "--hf-dim": colours.dim,
  "--hf-accent": colours.accent,
  "--hf-good": colours.good,
  "--hf-warn": colours.warn,
  "--hf-bad": colours.bad,
  "--hf-off": colours.off,
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: variables(scheme.light),
  dark: variables(scheme.dark),
});
