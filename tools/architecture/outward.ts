import { Visitor, type Expression, type ImportDeclaration } from "oxc-parser";
import { importsOf, type Source } from "./imports.ts";

/** Only these may open a connection, each for its reason. Everything else asks `outbound`, which guards addresses. */
const allowed: Readonly<Record<string, string>> = {
  "apps/server/src/outbound/": "what opens connections for everybody",
  "apps/server/src/listeners/socket/udp.ts": "answers datagrams from the port that they came to",
  "apps/cli/": "talks to the platform it is told to",
  "packages/client/": "is the client of the platform's API",
  "packages/device/": "is a device, outside of the platform",
  "apps/server/src/testing/": "tests are the outside",
  "tests/": "tests are the outside",
  "bench/": "measures from outside",
  "tools/seen/": "looks from outside, as a person does",
  "examples/": "are programs of the outside",
};

/** `pg` opens connections too; it belongs to the storage and nobody else. */
const databases: Readonly<Record<string, string>> = { pg: "apps/server/src/storage/" };

/** Packages that open connections. Whoever adds one to the project adds it here. A name that ends in / is all of that scope. */
const connecting: readonly string[] = [
  "@aws-sdk/",
  "@azure/",
  "@google-cloud/",
  "@grpc/grpc-js",
  "@sendgrid/mail",
  "@slack/web-api",
  "agent-base",
  "amqplib",
  "axios",
  "eventsource",
  "follow-redirects",
  "got",
  "https-proxy-agent",
  "ioredis",
  "isomorphic-ws",
  "kafkajs",
  "ky",
  "ldapjs",
  "ldapts",
  "minio",
  "mongodb",
  "mqtt",
  "mysql2",
  "nats",
  "needle",
  "node-fetch",
  "nodemailer",
  "ofetch",
  "openid-client",
  "proxy-agent",
  "redis",
  "socket.io-client",
  "ssh2",
  "superagent",
  "web-push",
];

/** Names by which a connection is opened, of each module; "*" is the whole module. */
const openers: Readonly<Record<string, readonly string[]>> = {
  http: ["request", "get", "Agent", "ClientRequest"],
  https: ["request", "get", "Agent"],
  http2: ["connect"],
  net: ["connect", "createConnection", "Socket"],
  tls: ["connect"],
  dgram: ["*"],
  dns: ["*"],
  "dns/promises": ["*"],
  undici: ["*"],
  module: ["createRequire"],
  process: ["getBuiltinModule"],
  ws: ["default", "WebSocket"],
};

/** These are types as well as ways to connect: only `new` connects. */
const onlyWhenNew = new Set(["net Socket", "http ClientRequest", "ws default", "ws WebSocket"]);
const classesOfAll = new Set(["WebSocket", "EventSource", "XMLHttpRequest", "WebTransport"]);
/** What holds everything that needs no import, by its names. */
const everything = ["globalThis", "global", "window", "self"];
const ofEverything = (name: string): boolean => name === "fetch" || classesOfAll.has(name);

/** A sentence for every place where the file opens a connection and may not. */
export function outwardComplaints(source: Source): string[] {
  const { file, lineOf } = source;
  const inTests = /\.(?:test|fixture)\.tsx?$/.test(file);
  if (inTests || Object.keys(allowed).some((place) => file.startsWith(place))) return [];
  const complaints: string[] = [];
  const complain = (node: { start: number }, what: string) =>
    complaints.push(`${file}:${lineOf(node.start)} opens a connection (${what}): only apps/server/src/outbound may`);

  for (const { specifier, typeOnly, line } of importsOf(source)) {
    if (specifier === undefined || typeOnly) continue;
    const home = databases[specifier];
    if (home && !file.startsWith(home)) complaints.push(`${file}:${line} uses ${specifier}: only ${home} may`);
    if (connects(specifier))
      complaints.push(`${file}:${line} uses ${specifier}, which opens connections: only apps/server/src/outbound may`);
  }

  for (const node of mentionsOf("fetch", source)) complain(node, "fetch");
  /** Where the whole of a module is taken apart or one thing is taken out of it: looked at below. */
  const looked = new Set<number>();
  const namespaces = new Map<string, string>();
  const classes = new Map<string, string>();
  new Visitor({
    ImportDeclaration(node) {
      const module = bare(node.source.value);
      if (node.importKind === "type" || !openers[module]) return;
      learn(node, module);
    },
    ExportNamedDeclaration(node) {
      const module = bare(node.source?.value ?? "");
      for (const { local } of node.specifiers) {
        const name = local.type === "Literal" ? local.value : local.name;
        if (node.exportKind !== "type" && opens(module, name)) complain(node, `${module} ${name}`);
      }
    },
    ExportAllDeclaration(node) {
      if (openers[bare(node.source.value)]) complain(node, node.source.value);
    },
    ImportExpression(node) {
      const module = node.source.type === "Literal" ? bare(String(node.source.value)) : "";
      if (openers[module]) complain(node, `import of ${module} while running`);
    },
    VariableDeclarator({ id, init }) {
      if (init?.type !== "Identifier" || id.type !== "ObjectPattern") return;
      const what = wholeOf(init.name);
      if (what === undefined) return;
      looked.add(init.start);
      for (const property of id.properties) {
        if (property.type === "RestElement") complain(property, `the rest of ${what}`);
        else if (isComputed(property)) complain(property, `something of ${what}`);
        else if (opensOf(what, nameOf(property.key))) complain(property, `${what} ${nameOf(property.key)}`);
      }
    },
    MemberExpression(node) {
      if (node.object.type !== "Identifier") return;
      const what = wholeOf(node.object.name);
      if (what === undefined) return;
      looked.add(node.object.start);
      const name = nameOf(node.property);
      if (node.computed && node.property.type !== "Literal") complain(node, `something of ${what}`);
      else if (opensOf(what, name) && !onlyWhenNew.has(`${what} ${name}`)) complain(node, `${what} ${name}`);
    },
    TSQualifiedName: ({ left }) => looked.add(left.start),
    NewExpression({ callee }) {
      const what = constructed(callee);
      if (what !== undefined) complain(callee, what);
    },
  }).visit(source.program);
  // Given another name or handed on, nobody can see any more what is taken out of it.
  for (const name of [...namespaces.keys(), "globalThis", "global"]) {
    for (const node of mentionsOf(name, source)) {
      if (!looked.has(node.start)) complain(node, `${name} as a whole, other than as ${name}.member`);
    }
  }
  return complaints;

  /** What a name holds the whole of: a module, or everything. */
  function wholeOf(name: string): string | undefined {
    if (name === "process") return namespaces.get(name) ?? "process";
    return namespaces.get(name) ?? (everything.includes(name) ? name : undefined);
  }

  function learn(node: ImportDeclaration, module: string): void {
    for (const specifier of node.specifiers) {
      const local = specifier.local.name;
      looked.add(specifier.local.start);
      if (specifier.type === "ImportNamespaceSpecifier") namespaces.set(local, module);
      else if (specifier.type === "ImportDefaultSpecifier" && module !== "ws") namespaces.set(local, module);
      else if (specifier.type === "ImportDefaultSpecifier") classes.set(local, "ws default");
      else if (specifier.importKind !== "type") {
        const name = nameOf(specifier.imported);
        if (onlyWhenNew.has(`${module} ${name}`)) classes.set(local, `${module} ${name}`);
        else if (opens(module, name)) complain(specifier, `${module} ${name}`);
      }
    }
    if (openers[module]?.includes("*")) complain(node, module);
  }

  function constructed(callee: Expression): string | undefined {
    if (callee.type === "Identifier")
      return classes.get(callee.name) ?? (classesOfAll.has(callee.name) ? callee.name : undefined);
    if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier") return undefined;
    const what = `${namespaces.get(callee.object.name)} ${nameOf(callee.property)}`;
    return onlyWhenNew.has(what) ? what : undefined;
  }
}

/** Where a name stands for the thing itself: not as a key, a member or a type. */
function mentionsOf(name: string, { program }: Source): { start: number }[] {
  const all: { start: number }[] = [];
  const otherwise = new Set<number>();
  const key = (node: { key: { start: number }; computed: boolean }) => !node.computed && otherwise.add(node.key.start);
  new Visitor({
    Identifier: (node) => node.name === name && all.push(node),
    MemberExpression: (node) => !node.computed && otherwise.add(node.property.start),
    Property: (node) => !node.shorthand && key(node),
    MethodDefinition: key,
    PropertyDefinition: key,
    TSPropertySignature: key,
    TSMethodSignature: key,
    TSTypeQuery: (node) => otherwise.add(node.exprName.start),
  }).visit(program);
  return all.filter(({ start }) => !otherwise.has(start));
}

/** Whether a package, or a file of it, opens connections. */
function connects(specifier: string): boolean {
  return connecting.some((one) =>
    one.endsWith("/") ? specifier.startsWith(one) : specifier === one || specifier.startsWith(`${one}/`),
  );
}

/** Whether that name of a module, or of everything, opens a connection. */
function opensOf(what: string, name: string): boolean {
  return everything.includes(what) ? ofEverything(name) : opens(what, name);
}

const isComputed = ({ computed, key }: { computed: boolean; key: { type: string } }): boolean =>
  computed && key.type !== "Literal";

function bare(specifier: string): string {
  return specifier.replace(/^node:/, "");
}

function opens(module: string, name: string): boolean {
  const names = openers[module];
  return names !== undefined && (names.includes("*") || names.includes(name));
}

function nameOf(node: { type: string; name?: unknown; value?: unknown }): string {
  return String(node.type === "Literal" ? node.value : node.name);
}
