export { exampleOn } from "./example.ts";
export { firstRun } from "./first-run.ts";
export { takePictures } from "./pictures.ts";
export { started } from "./server.ts";
export { buildConsole } from "../../tests/console.fixture.ts";
export { startBrowser } from "../../tests/browser.fixture.ts";
