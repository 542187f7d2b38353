import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

// The built files go where the plugin embeds them. In development the API is a running server's.
export default defineConfig({
  plugins: [preact()],
  build: { outDir: '../assets', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
  server: { proxy: { '^/(collections|vector|keys|plugins|status|stats|metrics|db|kv)': 'http://127.0.0.1:6969' } },
});
