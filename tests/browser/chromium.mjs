// The browser of every test here: Debian's headless Chromium, or the one that NEXADB_CHROMIUM names.
import { chromium } from 'playwright-core';

export function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.NEXADB_CHROMIUM ?? '/usr/bin/chromium-headless-shell',
    args: ['--disable-dev-shm-usage', '--disable-background-networking', '--disable-quic', '--no-first-run', ...more],
  });
}
