/**
 * Writes `.oxlintrc.json` from the import table and the rules below. `--check` writes nothing and fails when the file is
 * not in step.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importOverrides, loader } from './import-table.ts'

const root = join(import.meta.dirname, '..', '..')
const file = join(root, '.oxlintrc.json')

const untyped = Object.fromEntries(
  ['argument', 'assignment', 'call', 'member-access', 'return'].map((unsafe) => [
    `typescript/no-unsafe-${unsafe}`,
    'off',
  ]),
)

const config = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise', 'node'],
  jsPlugins: ['./scripts/lint/house-rules.ts'],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  categories: { correctness: 'error' },
  ignorePatterns: ['dist', 'coverage', 'docs/reference'],
  rules: {
    eqeqeq: ['error', 'always'],
    'import/no-cycle': 'error',
    'import/no-duplicates': 'error',
    'import/no-self-import': 'error',
    'max-lines': ['error', { max: 600, skipBlankLines: false, skipComments: false }],
    'no-console': 'error',
    'no-else-return': 'error',
    'no-param-reassign': 'error',
    'no-self-compare': 'error',
    'no-throw-literal': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'node/no-new-require': 'error',
    'promise/no-return-in-finally': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/await-thenable': 'error',
    // Also forbids `import('…').T` in types, which the import table could not see.
    'typescript/consistent-type-imports': [
      'error',
      { disallowTypeAnnotations: true, fixStyle: 'separate-type-imports' },
    ],
    'typescript/no-deprecated': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-namespace': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-require-imports': 'error',
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/restrict-plus-operands': 'error',
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    // [...text] walks code points, and is written for that.
    'typescript/no-misused-spread': 'off',
    // Objects here are made of closures; what is a class keeps its state in #private, and a lost `this` fails at once.
    'typescript/unbound-method': 'off',
    'unicorn/no-abusive-eslint-disable': 'error',
    'unicorn/prefer-node-protocol': 'error',
  },
  overrides: [
    {
      files: ['src/**/*.ts'],
      excludeFiles: ['src/**/*.test.ts'],
      rules: {
        'house/asset-only': 'error',
        'house/literal-import': 'error',
        'no-restricted-properties': [
          'error',
          { object: 'process', property: 'getBuiltinModule', message: 'It goes around the import table; use import.' },
        ],
      },
    },
    { files: ['src/lib/asset.ts'], rules: { 'house/asset-only': 'off' } },
    // Inner loops over typed arrays: the loop's bound is the proof, and a test for undefined would cost a value of every row.
    { files: ['src/transfer/pgcopy/**/*.ts'], rules: { 'typescript/no-non-null-assertion': 'off' } },
    // The user's config is the one module whose name is known only at run time.
    { files: [`src/${loader}`], rules: { 'house/literal-import': 'off' } },
    // The launcher starts on any Node, to say what to do; it has no types and names its modules as old Nodes know them.
    { files: ['bin/**'], rules: { ...untyped, 'unicorn/prefer-node-protocol': 'off' } },
    // Narration and results of programs that a person runs.
    { files: ['bench/**', 'scripts/**', 'examples/**', 'bin/**'], rules: { 'no-console': 'off' } },
    {
      files: ['**/*.test.ts', 'test/**/*.ts'],
      // What a test reads back is unknown until the test has said what it expects.
      rules: { ...untyped, 'typescript/no-non-null-assertion': 'off', 'max-lines': ['error', { max: 900 }] },
    },
    {
      files: ['examples/**/*.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              { group: ['**/src/**', '**/dist/**'], message: 'An example uses Sluice as its users do: from "sluice".' },
            ],
          },
        ],
      },
    },
    {
      files: ['console/**/*.{ts,tsx}'],
      plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise', 'react', 'jsx-a11y'],
      rules: {
        'react/rules-of-hooks': 'error',
        'react/exhaustive-deps': 'error',
        // React's compiler is not used; a role where HTML has a tag, and labels, are axe's to judge, on the page as it is.
        'react/incompatible-library': 'off',
        'jsx-a11y/prefer-tag-over-role': 'off',
        'jsx-a11y/control-has-associated-label': 'off',
        // What scrolls has to be reached by the keyboard: axe asks for it.
        'jsx-a11y/no-noninteractive-tabindex': ['error', { tags: [], roles: ['region'] }],
        // Scripts in the page are forbidden by the policy that the page is served with.
        'react/no-danger': 'error',
      },
    },
    {
      files: ['console/src/**/*.{ts,tsx}'],
      excludeFiles: ['console/**/*.test.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                regex: '^(\\.\\./)+(src|test|scripts|bench)/|^node:|^sluice$',
                message: 'The console knows only the HTTP API, through its generated client.',
              },
            ],
          },
        ],
      },
    },
    ...importOverrides(),
  ],
}

/** Formatted as the rest of the tree is, so that the format check and this script agree. */
function formatted(text: string): string {
  return execFileSync('oxfmt', ['--stdin-filepath', '.oxlintrc.json'], { input: text, cwd: root, encoding: 'utf8' })
}

const text = formatted(JSON.stringify(config, null, 2))
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('.oxlintrc.json is not what scripts/lint/config.ts writes: run npm run lint:config')
    process.exitCode = 1
  }
} else {
  writeFileSync(file, text)
}
