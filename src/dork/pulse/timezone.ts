/**
 * Abbreviations that several zones share, with an IANA zone that is often meant. Runtimes disagree about them: one reads
 * BST as UTC+6, another refuses it.
 */
const ZONE_OFTEN_MEANT: Readonly<Record<string, string>> = {
  ACT: 'Australia/Darwin',
  AET: 'Australia/Sydney',
  AGT: 'America/Argentina/Buenos_Aires',
  ART: 'Africa/Cairo',
  AST: 'America/Halifax',
  BET: 'America/Sao_Paulo',
  BST: 'Europe/London',
  CAT: 'Africa/Harare',
  CNT: 'America/St_Johns',
  CST: 'America/Chicago',
  CTT: 'Asia/Shanghai',
  EAT: 'Africa/Nairobi',
  ECT: 'Europe/Paris',
  IET: 'America/Indiana/Indianapolis',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
  MIT: 'Pacific/Apia',
  NET: 'Asia/Yerevan',
  NST: 'Pacific/Auckland',
  PLT: 'Asia/Karachi',
  PNT: 'America/Phoenix',
  PRT: 'America/Puerto_Rico',
  PST: 'America/Los_Angeles',
  SST: 'Pacific/Guadalcanal',
  VST: 'Asia/Ho_Chi_Minh',
};

/** Names of three letters that the IANA database has. https://www.iana.org/time-zones */
const IANA_OF_THREE = new Set([
  'CET',
  'EET',
  'EST',
  'GMT',
  'HST',
  'MET',
  'MST',
  'PRC',
  'ROC',
  'ROK',
  'UCT',
  'UTC',
  'WET',
]);

/** True for a name of three letters that the IANA database does not have. */
export function isAbbreviation(timezone: string): boolean {
  return /^[A-Za-z]{3}$/.test(timezone) && !IANA_OF_THREE.has(timezone.toUpperCase());
}

/** Completes "timezone …" for a name that is not one. */
export function timezoneProblem(timezone: string): string {
  if (!isAbbreviation(timezone)) return 'must be the IANA name of a time zone';
  const meant = ZONE_OFTEN_MEANT[timezone.toUpperCase()] ?? 'Europe/Paris';
  return `is an abbreviation that several zones share; give the IANA name, e.g. ${meant}`;
}
