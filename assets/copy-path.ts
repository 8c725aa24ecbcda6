/**
 * Where `copy` puts a raw file, and which names it passes over. Pure. Source: seed 002, "Path
 * Transformation" and "Rules".
 */
const ENVIRONMENT = /^env\d*$/

/**
 * A path below raw as a path below bronze: without the folders `env`, `env0`, `env1` …, with the day
 * and the time of the copy, in UTC. Other folders stay, in front of the day. `turn` tells copies of
 * one name in one second apart: it stands between time and name, so that the name's ending counts.
 *
 *     env0/data.csv       2026/01/18/143000--data.csv
 *     env0/sub/data.csv   sub/2026/01/18/143000--data.csv
 *     env1/data.csv       2026/01/18/143000.2--data.csv, as the second
 */
export function bronzePath(raw: string, nowMs: number, turn = 1): string {
  const segments = raw.split('/')
  const name = segments.pop() ?? ''
  const folders = segments.filter((segment) => !ENVIRONMENT.test(segment))
  const [day = '', time = ''] = new Date(nowMs).toISOString().split('T')
  const moment = time.slice(0, 8).replaceAll(':', '')
  const prefix = turn === 1 ? moment : `${moment}.${turn}`
  return [...folders, ...day.split('-'), `${prefix}--${name}`].join('/')
}

/** Whether a name says that its file is still being written. */
export const isUnderWay = (name: string): boolean => name.startsWith('temp_')
