import { z } from 'zod'
import { envReference, secretReference } from '../lib/reference.ts'

const origin = z
  .string()
  .refine(
    (text) => URL.canParse(text) && new URL(text).origin === text,
    'has to be an origin such as https://app.example',
  )

/** The part of `api` that is about serving; who may call is `access`'s part. */
export const apiDefinition = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('the address to listen on; `0.0.0.0` or `::` for all of the machine'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('default: 8321, or a free one, said so, if that is taken; 0: any free one'),
  publicUrl: z
    .union([z.url({ protocol: /^https?$/ }), envReference])
    .optional()
    .describe(
      'where people reach it, if behind a proxy: for links, for cookies that need https, and as a host to answer to',
    ),
  hosts: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'more host names that it answers to; on loopback it refuses those that are not listed, against DNS rebinding',
    ),
  trustProxy: z
    .union([z.boolean(), z.array(z.string().min(1))])
    .default(false)
    .describe('whether X-Forwarded-* is believed, or the addresses of the proxies from which it is'),
  cors: z.array(origin).default([]).describe('origins whose pages may call it; default: none'),
  bodyLimit: z
    .int()
    .min(1_024)
    .max(64 * 1_024 * 1_024)
    .default(1_024 * 1_024)
    .describe('the largest body of a request, in bytes'),
  rateLimit: z
    .strictObject({
      requests: z.int().min(1).nullable().default(60_000).describe('requests a minute of one caller; null: unlimited'),
      failures: z
        .int()
        .min(1)
        .default(60)
        .describe(
          'refused credentials a minute from one address, beyond which they are answered with 429; those that count are never held up',
        ),
      signIns: z.int().min(1).default(10).describe('sign-ins a minute from one address'),
    })
    .prefault({})
    .describe('how often one may ask'),
  metrics: z
    .strictObject({
      token: z.union([secretReference, envReference]).optional().describe('a bearer token that `/metrics` asks for'),
    })
    .prefault({})
    .describe('`/metrics`; open unless it has a token'),
  analytics: z
    .strictObject({
      views: z.string().min(1).describe('the rollup of views, with dimensions blog, author and country'),
      viewCount: z.string().min(1).default('view_count').describe('its measure of how many'),
      posts: z.string().min(1).describe('the rollup of new blogs, with the same dimensions'),
      postCount: z.string().min(1).default('blog_count').describe('its measure of how many'),
    })
    .optional()
    .describe('serves `/analytics/performance/`, `/analytics/blog-views/` and `/analytics/top/` from two rollups'),
  log: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('warn')
    .describe('what of each request goes to the log, on stderr'),
})

/** How the API is served, defaults in place, references resolved. */
export interface ApiSettings {
  readonly host: string
  /** null: 8321, or a free one. */
  readonly port: number | null
  readonly publicUrl: URL | null
  readonly hosts: readonly string[]
  readonly trustProxy: boolean | readonly string[]
  readonly cors: readonly string[]
  readonly bodyLimit: number
  readonly rateLimit: { readonly requests: number | null; readonly failures: number; readonly signIns: number }
  readonly metricsToken: string | null
  readonly analytics: {
    readonly views: string
    readonly viewCount: string
    readonly posts: string
    readonly postCount: string
  } | null
  readonly log: 'error' | 'warn' | 'info' | 'debug'
}

type Reference = z.infer<typeof envReference> | z.infer<typeof secretReference>

/** The section with its references resolved. */
export function apiSettings(
  section: z.output<typeof apiDefinition>,
  resolve: (reference: string | Reference) => string,
): ApiSettings {
  const { port, publicUrl, metrics, analytics, ...rest } = section
  return {
    ...rest,
    port: port ?? null,
    analytics: analytics ?? null,
    publicUrl: publicUrl === undefined ? null : new URL(resolve(publicUrl)),
    metricsToken: metrics.token === undefined ? null : resolve(metrics.token),
  }
}
