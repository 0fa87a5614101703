import { Page, Slow } from "../kit/index.ts";
import { words } from "../words/index.ts";

export function Security() {
  return (
    <Page title={words.places.security}>
      <Slow />
    </Page>
  );
}
