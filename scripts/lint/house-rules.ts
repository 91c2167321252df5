/**
 * Two rules that oxlint does not have. They close what the import table cannot see: a module that is named by an expression,
 * and a module that is named without being imported.
 */
interface Node {
  readonly type: string
  readonly [key: string]: unknown
}
interface Context {
  report(finding: { node: Node; message: string }): void
}
type Visitor = Readonly<Record<string, (node: Node) => void>>
interface Rule {
  create(context: Context): Visitor
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value
const text = (value: unknown): string | undefined => {
  if (!isNode(value)) return undefined
  if (value['type'] === 'Literal' && typeof value['value'] === 'string') return value['value']
  if (value['type'] === 'TemplateLiteral') {
    const quasis = value['quasis']
    const first: unknown = Array.isArray(quasis) && quasis.length > 0 ? quasis.at(-1) : undefined
    const cooked = isNode(first) ? first['value'] : undefined
    return typeof cooked === 'object' && cooked !== null && 'raw' in cooked && typeof cooked.raw === 'string'
      ? cooked.raw
      : undefined
  }
  return undefined
}

/** `import(path)`: what is loaded cannot be checked against the table. Only the loader of the user's config does that. */
const literalImport: Rule = {
  create: (context) => ({
    ImportExpression(node) {
      const source = node['source']
      const name = isNode(source) && source['type'] === 'Literal' ? source['value'] : undefined
      if (name === undefined) {
        context.report({ node, message: 'import() takes a literal, so that the import table can be checked.' })
      } else if (name === 'node:module' || name === 'module') {
        context.report({ node, message: 'The loader is not loaded by the back door.' })
      }
    },
  }),
}

/** `new URL('./thread.ts', import.meta.url)`: an import in disguise, which the compiler does not rename. */
const assetOnly: Rule = {
  create: (context) => ({
    NewExpression(node) {
      const callee = node['callee']
      const first = Array.isArray(node['arguments']) ? (node['arguments'][0] as unknown) : undefined
      if (!isNode(callee) || (callee['name'] !== 'URL' && callee['name'] !== 'Worker')) return
      const path = text(first)
      if (path === undefined || !/\.[cm]?[jt]s$/.test(path)) return
      context.report({ node, message: 'Modules that are not imported are named in lib/asset.ts alone.' })
    },
  }),
}

export default {
  meta: { name: 'house' },
  rules: { 'literal-import': literalImport, 'asset-only': assetOnly },
}
