import { readFileSync } from "node:fs";
import { parseCommandLine, wantsJson, type CommandLine } from "./command-line.ts";
import { exits, failureOf, type Exit } from "./failure.ts";
import { help, helpAsData } from "./help.ts";
import { Printer } from "./printer.ts";
import { Tools } from "./tools.ts";
import { verbs } from "./verbs.ts";
import type { World } from "./world.ts";

/** Does what the words say, and answers with what the process ends with. Never throws. */
export async function run(argv: readonly string[], world: World): Promise<Exit> {
  const print = new Printer(world, wantsJson(argv) ? "json" : "text");
  try {
    return await answer(parseCommandLine(argv, verbs), world, print);
  } catch (error) {
    const failure = failureOf(error);
    print.failure(failure);
    return failure.exit;
  }
}

async function answer(line: CommandLine, world: World, print: Printer): Promise<Exit> {
  switch (line.ask) {
    case "verb": {
      using tools = new Tools(world, line.globals, print);
      return (await line.verb.run(line.given, tools)) ?? exits.done;
    }
    case "help":
      if (print.isJson) print.thing(helpAsData(line.about, verbs), []);
      else print.page(help(line.about, verbs));
      return exits.done;
    case "version":
      if (print.isJson) print.thing({ version: version() }, []);
      else print.page(`holdfast ${version()}`);
      return exits.done;
  }
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest ? String(manifest.version) : "unknown";
}
