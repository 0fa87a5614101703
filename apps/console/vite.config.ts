import { defineConfig } from "vite";

// The server puts a nonce of its own in place of this word into every answer (apps/server/src/listeners/http/console.ts).
export const noncePlaceholder = "HOLDFAST-NONCE";

export default defineConfig({
  html: { cspNonce: noncePlaceholder },
  build: {
    target: "es2023",
    outDir: "dist",
    emptyOutDir: true,
    // Nothing inline: the policy allows files of our own and nothing else.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      output: {
        // What every page needs is one file: in several it compresses worse. All else comes with the pages that need it.
        codeSplitting: { groups: [{ name: "first", tags: ["$initial"] }] },
      },
    },
  },
});
