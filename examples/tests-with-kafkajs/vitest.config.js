export default {
  test: {
    include: ["vitest/**/*.test.js"],
    reporters: ["default", "json"],
    outputFile: { json: ".test-results/vitest.json" },
    server: { deps: { external: [/\/libs\//] } }, // in this repository alone: packages that are links are code of the project
  },
};
