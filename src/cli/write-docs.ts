// Writes the generated reference: `npm run docs`.
import { must } from "../base/index.ts";
import { writeFileAtomic } from "../machine/index.ts";
import { configReference } from "../training/index.ts";
import { reference } from "./app.ts";
import { commands } from "./declarations.ts";
import { operatorReference } from "./operator-reference.ts";
import { seriesReference } from "./series-reference.ts";

must(writeFileAtomic("docs/cli.md", reference(commands)));
must(writeFileAtomic("docs/configuration.md", configReference()));
must(writeFileAtomic("docs/operators.md", operatorReference()));
must(writeFileAtomic("docs/how-series-are-chosen.md", seriesReference()));
