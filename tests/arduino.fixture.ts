import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";

const host = path.join(import.meta.dirname, "arduino");

/** Why a program cannot be compiled here, or `false` once it was. What is wrong with the program itself is thrown. */
export function uncompiled(compiler: "cc" | "c++", args: readonly string[]): string | false {
  const has = (text: string) => {
    try {
      execFileSync(compiler, ["-fsyntax-only", "-x", compiler === "cc" ? "c" : "c++", "-"], {
        input: text,
        stdio: ["pipe", "ignore", "ignore"],
      });
      return true;
    } catch {
      return false; // no compiler, or no such header: the two lines below tell which
    }
  };
  if (!has("int main(void) { return 0; }\n")) return `this machine has no compiler (${compiler})`;
  if (!has("#include <openssl/ssl.h>\n")) return "this machine has no headers of OpenSSL (libssl-dev)";
  execFileSync(compiler, [...args], { stdio: ["ignore", "ignore", "inherit"] });
  return false;
}

/** A sketch as a program of this machine. Its `main` is what a board does: `setup`, then `loop` again and again. */
export function uncompiledSketch(sketch: string, program: string, main = "setup(); for (;;) { loop(); delay(1); }") {
  const source = `${program}.cpp`;
  writeFileSync(source, `#include "Arduino.h"\n#line 1 "sketch"\n${sketch}\nint main() { ${main} }\n`);
  const warnings = ["-Wall", "-Wextra", "-Werror"];
  const places = ["-I", host, "-I", path.dirname(program)];
  return uncompiled("c++", ["-std=c++17", ...warnings, ...places, "-o", program, source, "-lssl", "-lcrypto"]);
}
