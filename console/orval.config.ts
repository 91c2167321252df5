import { defineConfig } from 'orval'

/** `SLUICE_OPENAPI` names another document, such as that of a server that runs: http://127.0.0.1:8321/openapi.json. */
export default defineConfig({
  api: {
    input: process.env['SLUICE_OPENAPI'] ?? '../docs/reference/openapi.json',
    output: {
      mode: 'tags',
      client: 'react-query',
      httpClient: 'fetch',
      target: 'src/client/api.ts',
      schemas: 'src/client/model',
      clean: true,
      override: {
        mutator: { path: 'src/frame/http.ts', name: 'http' },
        fetch: { includeHttpResponseReturnType: false },
        query: { signal: true },
      },
    },
  },
})
