import { expect, it } from 'vitest'
import { patients } from './findings.ts'

const finding = (severity: 'problem' | 'warning' | 'fine', about: string, says = severity) => ({
  severity,
  about,
  says,
  fix: null,
})
const found = [
  finding('fine', 'warehouse'),
  finding('warning', 'teachers'),
  finding('fine', 'database'),
  finding('problem', 'teachers'),
  finding('warning', 'database'),
]

it('what is wrong comes first, by what it is about', () => {
  expect(
    patients(found, []).map(({ about, severity, findings }) => [about, severity, findings.map(({ says }) => says)]),
  ).toEqual([
    ['teachers', 'problem', ['problem', 'warning']],
    ['database', 'warning', ['warning', 'fine']],
    ['warehouse', 'fine', ['fine']],
  ])
})

it('shows only the severities that are asked for', () => {
  expect(patients(found, ['problem']).map(({ about }) => about)).toEqual(['teachers'])
  expect(patients(found, ['warning', 'fine']).map(({ about }) => about)).toEqual(['teachers', 'database', 'warehouse'])
})
