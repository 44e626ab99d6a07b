// ◇ Browser-safe. The page's entry: style, then the app.
import { render } from "preact";
import { REPORT_CSS } from "../report/style.ts";
import { App } from "./app/app.tsx";

// What reports and page share stands below the page's own rules, whatever the order of the sheets.
const shared = new CSSStyleSheet();
shared.replaceSync(`@layer report { ${REPORT_CSS} }`);
document.adoptedStyleSheets = [shared];

render(<App />, document.getElementById("page")!);
