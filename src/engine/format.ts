const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** Formats bytes in powers of 1000, e.g. `1.2 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // Rounding would turn 999,950 bytes into 1000.0 kB.
  while (Math.abs(value) >= (unit === 0 ? 1000 : 999.95) && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
