import { fileURLToPath } from "node:url";
import { createElement } from "preact";
import { renderToString } from "preact-render-to-string";
import { type Plugin, runnerImport } from "vite";

const FRAME = fileURLToPath(new URL("../src/app/frame.tsx", import.meta.url));
const PLACE = '<div id="page"></div>';
const SCRIPTS = / *<(?:script type="module"|link rel="modulepreload")[^\n]*\n/g;

/**
 * Puts the frame around every view into `index.html`, where the styles stand already, and the scripts after that: the page
 * then shows itself while they are still on their way. `render` takes the elements over as they are, so
 * nothing jumps.
 */
export function firstPaint(): Plugin {
  return {
    name: "first-paint",
    apply: "build",
    enforce: "post",
    transformIndexHtml: {
      order: "post",
      async handler(html) {
        if (!html.includes(PLACE)) throw new Error(`index.html has no ${PLACE}`);
        const scripts = html.match(SCRIPTS) ?? [];
        return html
          .replace(SCRIPTS, "")
          .replace(PLACE, await framed())
          .replace(/ *<\/body>/, (end) => scripts.join("") + end);
      },
    },
  };
}

async function framed(): Promise<string> {
  const { module } = await runnerImport<typeof import("../src/app/frame.tsx")>(FRAME);
  const frame = renderToString(
    createElement(module.Frame, { status: "connecting", view: null, isMenuOpen: false, countOf: () => undefined }),
  );
  return `<div id="page">${frame}</div>`;
}
