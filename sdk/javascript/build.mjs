// Writes dist/ from src/: each ES module as it is, and a CommonJS twin.
// `node build.mjs --check` compares instead of writing, and fails on a difference.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const here = new URL('.', import.meta.url);
const outputs = {};
for (const part of ['nexadb', 'contract']) {
  const source = readFileSync(new URL(`src/${part}.mjs`, here), 'utf8');
  const names = [];
  const commonjs = source.replace(/^export (class|const|function) (\w+)/gm, (_, kind, name) => {
    names.push(name);
    return `${kind} ${name}`;
  });
  outputs[`dist/${part}.mjs`] = source;
  outputs[`dist/${part}.cjs`] = `'use strict';\n${commonjs}\nmodule.exports = { ${names.join(', ')} };\n`;
}
for (const [name, text] of Object.entries(outputs)) {
  const path = new URL(name, here);
  if (process.argv.includes('--check')) {
    if (readFileSync(path, 'utf8') !== text) {
      console.error(`${name} is not what build.mjs makes of src/: run node build.mjs`);
      process.exit(1);
    }
  } else {
    mkdirSync(new URL('dist/', here), { recursive: true });
    writeFileSync(path, text);
  }
}
