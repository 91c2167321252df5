/** What `sluice init` was told. */
export interface Answers {
  /** null: the embedded PostgreSQL. */
  readonly databaseVariable: string | null
}

/** What must not be committed. */
export const ignored: readonly string[] = ['.sluice/', '.env']

/** The files of a new project: a config that runs as it is. `.mts` where the package is commonjs. Pure. */
export function filesOf(
  answers: Answers,
  isModule: boolean,
): readonly { readonly path: string; readonly content: string }[] {
  return [
    { path: isModule ? 'sluice.config.ts' : 'sluice.config.mts', content: configOf(answers) },
    { path: '.env.example', content: environmentOf(answers) },
    { path: 'sample/cities.csv', content: cities },
  ]
}

function configOf({ databaseVariable }: Answers): string {
  const database =
    databaseVariable === null
      ? `  // Your own PostgreSQL instead of the embedded one in .sluice/ (import env from 'sluice'):
  // database: env('DATABASE_URL'),
`
      : `  database: env('${databaseVariable}'),
`
  return `import { defineConfig, ${databaseVariable === null ? '' : 'env, '}sync } from 'sluice'

export default defineConfig({
${database}  flows: {
    // Keeps the table \`cities\` the same as the file; \`sluice verify cities\` proves it.
    cities: sync({
      from: { csv: 'sample/cities.csv' },
      to: 'cities',
      key: ['id'],
      every: '1h',
    }),
  },
})
`
}

function environmentOf({ databaseVariable }: Answers): string {
  const name = databaseVariable ?? 'DATABASE_URL'
  return `# Copy to .env; the environment wins over it. Never commit .env.
${databaseVariable === null ? '# ' : ''}${name}=postgres://user:password@localhost:5432/application
`
}

const cities = `id,name,country,population,founded
1,Aachen,DE,252769,0765-01-01
2,Bogotá,CO,7968095,1538-08-06
3,Cape Town,ZA,4772846,1652-04-06
4,Đà Nẵng,VN,1220190,1888-05-24
5,Edinburgh,GB,526470,1125-01-01
6,"Fort Worth, Texas",US,978468,1849-06-06
7,Göteborg,SE,604829,1621-06-04
8,Hà Nội,VN,8435700,1010-10-10
9,İzmir,TR,4493242,
10,'s-Hertogenbosch,NL,160783,1185-01-01
`
