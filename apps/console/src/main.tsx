import "./kit.css";
import "./console.css";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/index.ts";
import { keepFocus } from "./kit/index.ts";
import { Confirmation } from "./session/index.ts";
import { router } from "./router.tsx";
import { cssVariables, theme } from "./theme.ts";

// The page's policy takes styles that carry the nonce of this very answer, and no others.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
setNonce(nonce);

keepFocus();
const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      cssVariablesResolver={cssVariables}
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
        <Confirmation />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
