/** What a folder of pages tells the frame: where it stands in the navigation, and by which keys it is reached. */
import type { Icon } from '@tabler/icons-react'

export interface NavigationEntry {
  readonly label: string
  /** The path of its page. */
  readonly to: string
  readonly icon: Icon
  /** The letter after `g`. */
  readonly key?: string
  /** Above which line it stands. */
  readonly group: 'watch' | 'work' | 'manage'
  /** Only for people of this role. */
  readonly role?: 'operator' | 'admin'
  /** For the palette: other words for it. */
  readonly words?: readonly string[]
}
