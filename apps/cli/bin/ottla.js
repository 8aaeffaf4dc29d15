#!/usr/bin/env node
import module from "node:module";

// Node.js 22.1 and later keep compiled code from one start to the next.
module.enableCompileCache?.();
await import("../dist/command/ottla.js");
