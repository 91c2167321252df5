import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `npm run console:dev` finds the API: a `sluice up` that runs beside it. */
const api = process.env['SLUICE_API'] ?? 'http://127.0.0.1:8321'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // No inlined data: the policy says 'self', and a file is cached.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        // A file a page, one for what every page shares, one for the libraries: not a hundred of an icon each.
        codeSplitting: {
          groups: [
            { name: 'libraries', test: /node_modules[\\/](?!uplot)/, priority: 2, minShareCount: 3 },
            { name: 'frame', test: /console[\\/]src[\\/](frame|client)[\\/](?!Chart|SignIn)/, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    port: 8322,
    proxy: Object.fromEntries(
      ['/api', '/docs', '/openapi.json', '/healthz', '/readyz'].map((path) => [
        path,
        // The Host that the browser sent: the API compares it with Origin.
        { target: api, changeOrigin: false },
      ]),
    ),
  },
})
