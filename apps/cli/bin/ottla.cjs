#!/usr/bin/env node
// File operations run in these threads. A disk that hangs keeps as many of them as it has operations, and must not keep
// those that other disks need. Node.js looks once, before it loads its first ES module: that is why this is none.
process.env.UV_THREADPOOL_SIZE ??= "16";

// Node.js 22.1 and later keep compiled code from one start to the next.
require("node:module").enableCompileCache?.();
import("../dist/command/ottla.js");
