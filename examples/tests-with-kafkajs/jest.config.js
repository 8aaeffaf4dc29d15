/** Ottla's packages are ES modules: Jest runs with NODE_OPTIONS=--experimental-vm-modules, and compiles nothing. */
export default { testMatch: ["<rootDir>/jest/**/*.test.js"], transform: {} };
