import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { SluiceError } from '../lib/error.ts'
import type { Files } from '../lib/reference.ts'
import { renderTemplate } from './template.ts'

/** Reads what a config names, and only from below the config's folder (symbolic links included). */
export function openFiles(directory: string, shared: () => Readonly<Record<string, unknown>>): Files {
  const root = realpathSync(directory)
  const contained = (path: string): string => {
    const full = resolve(root, path)
    if (isAbsolute(path) || escapes(root, full)) throw escaped(path, root)
    if (!existsSync(full) || !statSync(full).isFile()) {
      throw new SluiceError('FILE_NOT_FOUND', `The file ${path} does not exist`, {
        why: existsSync(full) ? `${full} is no file` : `there is nothing at ${full}`,
        fix: 'correct the path in the config (it counts from the folder of the config), or create the file',
        where: { file: path },
      })
    }
    if (escapes(root, realpathSync(full))) throw escaped(path, root)
    return full
  }
  const text = (path: string): string => readFileSync(contained(path), 'utf8')
  return {
    text: (reference) => text(reference.$file),
    render: (reference, params) => renderTemplate(reference.$file, text(reference.$file), { ...shared(), ...params }),
    path(path) {
      if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return path
      const full = resolve(root, path)
      if (!escapes(root, full)) return relative(root, full)
      if (isAbsolute(path)) return path
      throw escaped(path, root)
    },
  }
}

function escapes(root: string, full: string): boolean {
  const way = relative(root, full)
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)
}

function escaped(path: string, root: string): SluiceError {
  return new SluiceError('PATH_ESCAPES', `The path ${path} leaves the folder of the config`, {
    why: `files that a config names have to lie below ${root}`,
    fix: 'move or copy the file below the folder of the config',
    where: { file: path },
  })
}
