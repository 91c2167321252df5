import { IconStethoscope } from '@tabler/icons-react'
import type { NavigationEntry } from '../frame/page.ts'

export const doctorNavigation: NavigationEntry = {
  label: 'Doctor',
  to: '/doctor',
  icon: IconStethoscope,
  key: 'o',
  group: 'manage',
  role: 'operator',
  words: ['check', 'store', 'connection', 'problem', 'fix'],
}
